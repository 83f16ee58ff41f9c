//! A histogram drawn in text.

use std::fmt::{self, Write};

use netcommon::units::show_duration;

use crate::statistics::Row;

/// Characters of the longest bar.
const WIDTH: u64 = 40;

/// Writes a line a row: its bounds, a bar, its count.
pub(super) fn draw(rows: &[Row], lines: &mut String) -> fmt::Result {
    let most = rows.iter().map(|row| row.count).max().unwrap_or(0).max(1);
    for row in rows {
        let (from, to) = (show_duration(row.from), show_duration(row.to));
        // Any count above zero shows, however small its share.
        let length = (u128::from(row.count) * u128::from(WIDTH)).div_ceil(u128::from(most));
        let bar = "#".repeat(length as usize);
        writeln!(
            lines,
            "  {from:>6} - {to:<6} |{bar:<width$}| {count}",
            width = WIDTH as usize,
            count = row.count
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bars_are_in_proportion_and_never_hide_a_message() {
        let row = |from, to, count| Row {
            from: Duration::from_micros(from),
            to: Duration::from_micros(to),
            count,
        };
        let mut lines = String::new();
        let rows = [
            row(10, 20, 1),
            row(20, 50, 1_000),
            row(50, 100, 500),
            row(100, 200, 0),
        ];
        draw(&rows, &mut lines).unwrap();
        let full = "#".repeat(40);
        let half = "#".repeat(20) + &" ".repeat(20);
        let (one, none) = ("#".to_owned() + &" ".repeat(39), " ".repeat(40));
        assert_eq!(
            lines,
            format!(
                "    10us - 20us   |{one}| 1\n    20us - 50us   |{full}| 1000\n    \
                 50us - 100us  |{half}| 500\n   100us - 200us  |{none}| 0\n"
            )
        );
    }
}
