//! `ectype openapi`: what a region serves, without a region.

use std::io::Write;

/// Prints the document, as `GET /_ectype/v1/openapi.json` answers it, but laid out for eyes.
pub fn print() -> anyhow::Result<()> {
    let document = serde_json::to_string_pretty(&server::openapi::document())?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(())
}
