//! Tables: three spaces between columns, nothing wrapped, the first column coloured.

use serde_json::Value;

use super::{Terminal, see};
use crate::{failure::Outcome, kinds::Column};

const GAP: &str = "   ";

/// Prints resources as a table.
pub(crate) fn list(to: &mut Terminal, columns: &[Column], all: &[Value], account: &str) -> Outcome {
    for (at, line) in lines(columns, all, account).into_iter().enumerate() {
        let line = if at == 0 { to.bold(&line) } else { to.first_coloured(&line) };
        to.say(&line)?;
    }
    Ok(())
}

/// Resources as the lines of a table, its head first.
pub(super) fn lines<'a>(
    columns: &[Column],
    all: impl IntoIterator<Item = &'a Value>,
    account: &str,
) -> Vec<String> {
    let head: Vec<String> = columns.iter().map(|column| column.0.to_owned()).collect();
    let row = |one| columns.iter().map(|column| see(one, &column.1, account)).collect();
    let rows: Vec<Vec<String>> = all.into_iter().map(row).collect();
    grid(&head, &rows)
}

/// Head and rows as lines of one width a column.
fn grid(head: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).chain(head.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<_> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let spaces = width.saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(spaces))
            })
            .collect();
        padded.join(GAP).trim_end().to_owned()
    };
    std::iter::once(line(head)).chain(rows.iter().map(|row| line(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_three_apart() {
        let text = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let lines =
            grid(&text(&["ID", "Name"]), &[text(&["r006-1", "gold"]), text(&["r006-22", "ä"])]);
        assert_eq!(lines, ["ID        Name", "r006-1    gold", "r006-22   ä"]);
    }
}
