//! `MAXLEN` and `MINID`, as options of `XADD` and by `XTRIM`.

use bytes::Bytes;

use super::{
    Fault,
    id::{Id, NewId},
    number,
    stream::Stream,
};

/// An approximate trim takes whole nodes, each of so many entries.
const NODE: usize = 100;

enum Strategy {
    MaxLen(usize),
    MinId(Id),
}

/// The options of either command.
#[derive(Default)]
pub struct Options {
    strategy: Option<Strategy>,
    approximate: bool,
    limit: Option<usize>,
    pub no_create: bool,
    pub id: Option<NewId>,
}

impl Options {
    /// The options, and how many words they took.
    pub fn parse(words: &[Bytes], adding: bool) -> Result<(Self, usize), Fault> {
        let mut options = Self::default();
        let mut i = 0;
        while i < words.len() {
            let more = words.len() - 1 - i;
            match words[i].to_ascii_uppercase().as_slice() {
                b"*" if adding => options.id = Some(NewId::Auto),
                name @ (b"MAXLEN" | b"MINID") if more > 0 => {
                    i += options.strategy(name, &words[i + 1..])?;
                }
                b"LIMIT" if more > 0 => {
                    i += 1;
                    let limit = number::integer(&words[i])?;
                    let limit =
                        usize::try_from(limit).map_err(|_| Fault::new("ERR The LIMIT argument must be >= 0."))?;
                    options.limit = Some(limit);
                }
                b"NOMKSTREAM" if adding => options.no_create = true,
                _ if adding => options.id = Some(NewId::parse(&words[i])?),
                _ => return Err(Fault::SYNTAX),
            }
            i += 1;
            if options.id.is_some() {
                break;
            }
        }
        options.check(adding)?;
        Ok((options, i))
    }

    fn strategy(&mut self, name: &[u8], words: &[Bytes]) -> Result<usize, Fault> {
        if self.strategy.is_some() {
            return Err(Fault::new("ERR syntax error, MAXLEN and MINID options at the same time are not compatible"));
        }
        let sign = words.len() >= 2 && matches!(&words[0][..], b"~" | b"=");
        self.approximate = sign && &words[0][..] == b"~";
        let threshold = &words[usize::from(sign)];
        self.strategy = Some(if name == b"MAXLEN" {
            let length = number::integer(threshold)?;
            let length = usize::try_from(length).map_err(|_| Fault::new("ERR The MAXLEN argument must be >= 0."))?;
            Strategy::MaxLen(length)
        } else {
            Strategy::MinId(Id::parse(threshold)?)
        });
        Ok(1 + usize::from(sign))
    }

    fn check(&self, adding: bool) -> Result<(), Fault> {
        if self.limit.is_some_and(|limit| limit > 0) && self.strategy.is_none() {
            return Err(Fault::new("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"));
        }
        if !adding && self.strategy.is_none() {
            return Err(Fault::new("ERR syntax error, XTRIM must be called with a trimming strategy"));
        }
        if self.limit.is_some() && !self.approximate {
            return Err(Fault::new("ERR syntax error, LIMIT cannot be used without the special ~ option"));
        }
        Ok(())
    }

    /// Drops the oldest entries; how many.
    pub fn apply(&self, stream: &mut Stream) -> usize {
        let excess = match self.strategy {
            None => 0,
            Some(Strategy::MaxLen(length)) => stream.entries.len().saturating_sub(length),
            Some(Strategy::MinId(least)) => stream.entries.range(..least).count(),
        };
        let dropped = if self.approximate { self.whole_nodes(stream.entries.len(), excess) } else { excess };
        for _ in 0..dropped {
            stream.entries.pop_first();
        }
        dropped
    }

    /// How many of the `excess` make up whole nodes, within the limit.
    fn whole_nodes(&self, length: usize, excess: usize) -> usize {
        let most = match self.limit.unwrap_or(100 * NODE) {
            0 => excess,
            limit => excess.min(limit),
        };
        // The last node may have less than its full number.
        if most == length { most } else { most - most % NODE }
    }
}
