//! The datagrams to send: a whole input as one, or one for each line.

use std::io::{self, BufRead, Read};

use netcommon::Error;

/// An input cut into datagrams. It holds one at a time.
pub struct Source {
    input: Box<dyn BufRead>,
    by_line: bool,
    limit: usize,
    count: u64,
    payload: Vec<u8>,
}

impl Source {
    /// The whole input as one datagram of at most `limit` bytes, also where the input is empty.
    pub fn whole(input: Box<dyn BufRead>, limit: usize) -> Self {
        Self {
            input,
            by_line: false,
            limit,
            count: 0,
            payload: Vec::new(),
        }
    }

    /// A datagram of at most `limit` bytes for each line, without its line feed.
    pub fn lines(input: Box<dyn BufRead>, limit: usize) -> Self {
        Self {
            by_line: true,
            ..Self::whole(input, limit)
        }
    }

    /// The payload of the next datagram, if there is one.
    ///
    /// # Errors
    ///
    /// A usage error for one that no datagram can carry, or the reason why the input cannot be read.
    pub fn next_payload(&mut self) -> Result<Option<&[u8]>, Error> {
        self.payload.clear();
        let is_more = if self.by_line {
            self.read_line()?
        } else {
            self.count == 0 && self.read_all()?
        };
        if self.payload.len() > self.limit {
            return Err(self.too_long());
        }
        self.count += u64::from(is_more);
        Ok(is_more.then_some(&self.payload))
    }

    fn read_all(&mut self) -> Result<bool, Error> {
        let mut input = (&mut self.input).take(most(self.limit));
        input.read_to_end(&mut self.payload).map_err(cannot_read)?;
        Ok(true)
    }

    fn read_line(&mut self) -> Result<bool, Error> {
        let mut input = (&mut self.input).take(most(self.limit));
        let read = input.read_until(b'\n', &mut self.payload);
        let length = read.map_err(cannot_read)?;
        if self.payload.ends_with(b"\n") {
            self.payload.pop();
        }
        Ok(length > 0)
    }

    fn too_long(&self) -> Error {
        let subject = if self.by_line {
            format!("line {}", self.count + 1)
        } else {
            "the message".to_owned()
        };
        Error::usage(format!(
            "{subject} is longer than {} bytes, the most that a UDP datagram to this address carries",
            self.limit
        ))
    }
}

/// One byte past the limit is enough to know that a datagram is too long.
fn most(limit: usize) -> u64 {
    limit as u64 + 1
}

fn cannot_read(error: io::Error) -> Error {
    Error::io("cannot read the input", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn cut(mut source: Source) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        while let Some(payload) = source.next_payload().unwrap() {
            payloads.push(payload.to_vec());
        }
        payloads
    }

    fn input(bytes: &'static [u8]) -> Box<dyn BufRead> {
        Box::new(Cursor::new(bytes))
    }

    #[test]
    fn a_whole_input_is_one_datagram_even_without_bytes() {
        assert_eq!(cut(Source::whole(input(b"a\nb\n"), 4)), [b"a\nb\n"]);
        assert_eq!(cut(Source::whole(input(b""), 4)), [b""]);
    }

    #[test]
    fn each_line_is_a_datagram_empty_ones_and_an_unfinished_last_one_too() {
        let lines: [&[u8]; 4] = [b"abcd", b"", b"\r", b"e"];
        assert_eq!(cut(Source::lines(input(b"abcd\n\n\r\ne"), 4)), lines);
        assert_eq!(cut(Source::lines(input(b"a\n"), 4)), [b"a"]);
        assert!(cut(Source::lines(input(b""), 4)).is_empty());
    }

    #[test]
    fn an_over_long_datagram_is_refused_with_the_limit() {
        let table = [
            (Source::whole(input(b"abcde"), 4), "the message"),
            (Source::lines(input(b"abcd\nabcde\n"), 4), "line 2"),
        ];
        for (mut source, subject) in table {
            let error = loop {
                match source.next_payload() {
                    Ok(payload) => assert_eq!(payload, Some(b"abcd".as_slice())),
                    Err(error) => break error.to_string(),
                }
            };
            let expected = format!("{subject} is longer than 4 bytes");
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn an_endless_line_is_not_gathered() {
        let endless = Box::new(io::BufReader::new(io::repeat(b'x')));
        let mut source = Source::lines(endless, 1_000);
        assert!(source.next_payload().is_err());
        assert_eq!(source.payload.len(), 1_001);
    }
}
