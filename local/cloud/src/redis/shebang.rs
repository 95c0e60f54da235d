//! The first line of a script, `#!lua flags=no-writes,...` (redis 7.0
//! `src/eval.c`), and the one flag that only Upstash knows.

/// Locks only the script's keys. Scripts run one at a time here, so that it
/// says nothing new.
const UPSTASH_FLAG: &str = "allow-key-locking";
const REDIS_FLAGS: &[&str] = &["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"];

/// What a script says of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Shebang<'a> {
    /// `None` without a shebang, when nothing is promised.
    pub writes: Option<bool>,
    /// The script from the end of the first line on, so that lines keep their numbers.
    pub code: &'a [u8],
}

impl<'a> Shebang<'a> {
    /// # Errors
    /// Redis's text for a first line it would refuse.
    pub fn parse(script: &'a [u8]) -> Result<Self, String> {
        if !script.starts_with(b"#!") {
            return Ok(Self { writes: None, code: script });
        }
        let Some(end) = script.iter().position(|byte| *byte == b'\n') else {
            return Err("ERR Invalid script shebang".to_owned());
        };
        let line = String::from_utf8_lossy(&script[..end]);
        let mut words = line.split_ascii_whitespace();
        let engine = words.next().unwrap_or_default();
        if engine != "#!lua" {
            return Err(format!("ERR Unexpected engine in script shebang: {engine}"));
        }
        let mut writes = true;
        for word in words {
            let Some(flags) = word.strip_prefix("flags=") else {
                return Err(format!("ERR Unknown lua shebang option: {word}"));
            };
            for flag in flags.split(',').filter(|flag| !flag.is_empty()) {
                writes &= flag != "no-writes";
                if flag != UPSTASH_FLAG && !REDIS_FLAGS.contains(&flag) {
                    return Err(format!("ERR Unexpected flag in script shebang: {flag}"));
                }
            }
        }
        Ok(Self { writes: Some(writes), code: &script[end..] })
    }
}

/// `script` as a real Redis takes it, if that is not as it stands.
pub fn without_upstash_flag(script: &[u8]) -> Option<Vec<u8>> {
    let end = script.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&script[..end]).ok()?;
    if !line.starts_with("#!") || !line.contains(UPSTASH_FLAG) {
        return None;
    }
    let word = |word: &str| match word.strip_prefix("flags=") {
        Some(flags) => {
            let kept: Vec<&str> = flags.split(',').filter(|flag| *flag != UPSTASH_FLAG).collect();
            if kept.is_empty() { String::new() } else { format!("flags={}", kept.join(",")) }
        }
        None => word.to_owned(),
    };
    let words: Vec<String> = line.split_ascii_whitespace().map(word).filter(|word| !word.is_empty()).collect();
    Some([words.join(" ").as_bytes(), &script[end..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_of_upstash_is_taken_out_and_the_others_stay() {
        for (given, expected) in [
            ("#!lua flags=allow-key-locking\nreturn 1", Some("#!lua\nreturn 1")),
            ("#!lua flags=no-writes,allow-key-locking\n", Some("#!lua flags=no-writes\n")),
            ("#!lua flags=no-writes\nreturn 'allow-key-locking'", None),
            ("return 1", None),
        ] {
            let rewritten = without_upstash_flag(given.as_bytes());
            assert_eq!(rewritten.as_deref(), expected.map(str::as_bytes), "{given}");
        }
    }

    #[test]
    fn a_script_says_whether_it_writes() {
        let writes = |script: &'static str| Shebang::parse(script.as_bytes()).unwrap().writes;
        assert_eq!(writes("return 1"), None);
        assert_eq!(writes("#!lua\n"), Some(true));
        assert_eq!(writes("#!lua flags=allow-key-locking,no-writes\n"), Some(false));
    }
}
