//! The datagrams to send: a whole input as one, or one for each line.

use std::io::{BufRead, Read};

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
    /// The whole input as one datagram of at most `limit` bytes; one without bytes if it is empty.
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
        let more = match self.by_line {
            true => self.read_line()?,
            false => self.read_all()?,
        };
        if self.payload.len() > self.limit {
            return Err(self.too_long());
        }
        self.count += u64::from(more);
        Ok(more.then_some(&self.payload))
    }

    /// One byte past the limit is enough to know that it is too long.
    fn read_all(&mut self) -> Result<bool, Error> {
        if self.count > 0 {
            return Ok(false);
        }
        let most = self.limit as u64 + 1;
        let mut input = (&mut self.input).take(most);
        input.read_to_end(&mut self.payload).map_err(unreadable)?;
        Ok(true)
    }

    fn read_line(&mut self) -> Result<bool, Error> {
        let most = self.limit as u64 + 1;
        let mut input = (&mut self.input).take(most);
        let length = input
            .read_until(b'\n', &mut self.payload)
            .map_err(unreadable)?;
        if self.payload.ends_with(b"\n") {
            self.payload.pop();
        }
        Ok(length > 0)
    }

    fn too_long(&self) -> Error {
        let what = match self.by_line {
            true => format!("line {}", self.count + 1),
            false => "the message".to_owned(),
        };
        Error::usage(format!(
            "{what} is longer than {} bytes, the most that a UDP datagram to this address carries",
            self.limit
        ))
    }
}

fn unreadable(error: std::io::Error) -> Error {
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
    fn each_line_is_a_datagram_empty_ones_and_the_last_without_its_end_too() {
        let lines: [&[u8]; 4] = [b"abcd", b"", b"\r", b"e"];
        assert_eq!(cut(Source::lines(input(b"abcd\n\n\r\ne"), 4)), lines);
        assert_eq!(cut(Source::lines(input(b"a\n"), 4)), [b"a"]);
        assert!(cut(Source::lines(input(b""), 4)).is_empty());
    }

    #[test]
    fn what_no_datagram_carries_is_refused_with_the_limit() {
        let error = Source::whole(input(b"abcde"), 4)
            .next_payload()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("the message is longer than 4 bytes"),
            "{error}"
        );
        let mut lines = Source::lines(input(b"abcd\nabcde\n"), 4);
        assert_eq!(lines.next_payload().unwrap(), Some(b"abcd".as_slice()));
        let error = lines.next_payload().unwrap_err();
        assert!(
            error.to_string().contains("line 2 is longer than 4 bytes"),
            "{error}"
        );
    }

    #[test]
    fn an_endless_line_is_not_gathered() {
        let endless = Box::new(std::io::BufReader::new(std::io::repeat(b'x')));
        let mut source = Source::lines(endless, 1_000);
        assert!(source.next_payload().is_err());
        assert_eq!(source.payload.len(), 1_001);
    }
}
