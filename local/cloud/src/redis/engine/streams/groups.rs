//! `XGROUP`.

use bytes::Bytes;

use super::{Fault, Outcome, Part, Reply, Store, Stream, id::Id, number, stream::Group};

pub fn no_group(key: &[u8], group: &[u8], where_: &str) -> Fault {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    format!("NOGROUP No such key '{key}' or consumer group '{group}'{where_}").into()
}

pub fn no_group_of_key(key: &[u8], group: &[u8]) -> Fault {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    format!("NOGROUP No such consumer group '{group}' for key name '{key}'").into()
}

pub const PARTS: &[Part] = &[("CREATE", -5), ("SETID", -5), ("DESTROY", 4), ("CREATECONSUMER", 5), ("DELCONSUMER", 5)];

#[derive(Default)]
struct Options {
    create: bool,
    read: Option<u64>,
}

pub fn xgroup(store: &mut Store, args: &[Bytes]) -> Outcome {
    let name = args[0].to_ascii_uppercase();
    let words = &args[1..];
    let (key, group) = (&words[0], &words[1]);
    let options = match name.as_slice() {
        b"CREATE" | b"SETID" => options(&args[0], &words[3..], name.as_slice() == b"CREATE")?,
        _ => Options::default(),
    };
    let stream = store.read::<Stream>(key)?;
    if stream.is_none() && !options.create {
        return Err(Fault::new(
            "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
             MKSTREAM option to create an empty stream automatically.",
        ));
    }
    let exists = stream.is_some_and(|stream| stream.groups.contains_key(group));
    if !exists && !matches!(name.as_slice(), b"CREATE" | b"DESTROY") {
        return Err(no_group_of_key(key, group));
    }
    let last = stream.map_or(Id::ZERO, |stream| stream.last);
    let start = match name.as_slice() {
        b"CREATE" | b"SETID" if &words[2][..] == b"$" => last,
        b"CREATE" => Id::parse(&words[2])?,
        b"SETID" => Id::bound(&words[2], 0)?,
        _ => last,
    };
    if exists && name.as_slice() == b"CREATE" {
        return Err(Fault::new("BUSYGROUP Consumer Group name already exists"));
    }
    let now = store.now();
    store.edit_or_create(key, |stream: &mut Stream| change(stream, &name, group, words.get(2), start, &options, now))
}

fn change(
    stream: &mut Stream,
    name: &[u8],
    group: &Bytes,
    consumer: Option<&Bytes>,
    start: Id,
    options: &Options,
    now: i64,
) -> Reply {
    match name {
        b"CREATE" => {
            stream.groups.insert(group.clone(), Group::new(start, options.read));
            return Reply::OK;
        }
        b"DESTROY" => return stream.groups.remove(group).is_some().into(),
        _ => {}
    }
    let (Some(group), Some(consumer)) = (stream.groups.get_mut(group), consumer) else {
        return Reply::Nil;
    };
    match name {
        b"SETID" => {
            group.last = start;
            group.read = options.read;
            Reply::OK
        }
        b"CREATECONSUMER" if group.consumers.contains_key(consumer) => false.into(),
        b"CREATECONSUMER" => group.meet(consumer, now).into(),
        _ => {
            let pending = group.pending_of(consumer);
            group.pending.retain(|_, pending| pending.consumer != *consumer);
            group.consumers.remove(consumer);
            Reply::count(pending)
        }
    }
}

fn options(name: &Bytes, words: &[Bytes], create: bool) -> Result<Options, Fault> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (word.to_ascii_uppercase().as_slice(), words.len()) {
            (b"MKSTREAM", _) if create => options.create = true,
            (b"ENTRIESREAD", 1..) => {
                let value = words.next().map_or(Ok(-1), |word| number::integer(word))?;
                if value < -1 {
                    return Err(Fault::new("ERR value for ENTRIESREAD must be positive or -1"));
                }
                options.read = u64::try_from(value).ok();
            }
            _ => {
                let name = String::from_utf8_lossy(name);
                let text = "unknown subcommand or wrong number of arguments for";
                return Err(format!("ERR {text} '{name}'. Try XGROUP HELP.").into());
            }
        }
    }
    Ok(options)
}
