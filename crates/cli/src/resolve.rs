//! Names become ids: by listing, as IBM's plug-in does. Ids and CRNs are taken as they are.

use serde_json::{Value, json};

use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{self, Kind},
    request::Query,
};

/// Candidates that are told when a name is not unique.
const CANDIDATES_MAX: usize = 10;

/// A resource that is meant.
#[derive(Clone, Debug)]
pub(crate) struct Meant {
    pub id: String,
    /// As it was typed, or its name.
    pub name: String,
}

impl Cli {
    /// What a request names it by.
    pub fn identity(&mut self, kind: &'static Kind, text: &str, input: &Input) -> Outcome<Value> {
        if kind.id == "name" {
            return Ok(json!({ "name": text }));
        }
        if text.starts_with("crn:") {
            return Ok(json!({ "crn": text }));
        }
        let parent = self.parent_of(kind, input)?;
        Ok(json!({ "id": self.meant(kind, text, parent.as_deref(), input)?.id }))
    }

    /// The parent of what a command is about: its first word, or a flag.
    pub fn parent_of(&mut self, kind: &'static Kind, input: &Input) -> Outcome<Option<String>> {
        let Some(parent) = kind.parent else { return Ok(None) };
        if std::ptr::eq(parent, &raw const kinds::REGION) {
            return Ok(Some(match input.text("REGION") {
                Some(region) => region.to_owned(),
                None => self.region()?,
            }));
        }
        let words = input.positionals().filter_map(|(word, given)| match word.value {
            crate::table::Value::Ref(of) if std::ptr::eq(of, parent) => given.first(),
            _ => None,
        });
        let flags = input.flags().filter_map(|(flag, given)| match flag.value {
            crate::table::Value::Ref(of) if std::ptr::eq(of, parent) => given.first(),
            _ => None,
        });
        let text = words.chain(flags).next().cloned().ok_or_else(|| {
            let noun = parent.noun;
            Failure::usage(format!("a {} has its name within one {noun}: name that too", kind.noun))
        })?;
        Ok(Some(self.meant(parent, &text, None, input)?.id))
    }

    /// The one that a word means.
    ///
    /// # Errors
    /// When there is none, or more than one: then the candidates are told.
    pub fn meant(
        &mut self,
        kind: &'static Kind,
        text: &str,
        parent: Option<&str>,
        input: &Input,
    ) -> Outcome<Meant> {
        if text.is_empty() {
            return Err(Failure::usage(format!("the {} has no name", kind.noun)));
        }
        if kind.id == "name" || is_id(text) {
            return Ok(Meant { id: text.to_owned(), name: text.to_owned() });
        }
        if let Some(id) = text.strip_prefix("crn:").and_then(|rest| rest.rsplit(':').next()) {
            return Ok(Meant { id: id.to_owned(), name: text.to_owned() });
        }
        let mut query = self.account_query(kind);
        if kind.by_name {
            query.push(("name".to_owned(), text.to_owned()));
        }
        let all = self.known(kind, parent, &query)?;
        let mut found: Vec<&Value> = all.iter().filter(|one| one["name"] == text).collect();
        if let Some((flag, at)) = kind.within
            && found.len() > 1
            && let Some(outer) = input.text(flag)
        {
            found.retain(|one| {
                one.pointer(at).is_some_and(|of| of["id"] == *outer || of["name"] == *outer)
            });
        }
        match found.as_slice() {
            [one] => Ok(Meant { id: id_of(one, kind), name: text.to_owned() }),
            [] => {
                // Only to tell what was probably meant.
                let all = if kind.by_name { self.known(kind, parent, &Query::new())? } else { all };
                Err(self.none_is(kind, text, &all))
            }
            several => Err(ambiguous(kind, text, several)),
        }
    }

    /// The one that a word of the command means, where its kind has no parent.
    pub fn named(&mut self, kind: &'static Kind, word: &str, input: &Input) -> Outcome<Meant> {
        let text = input.text(word).unwrap_or_default();
        self.meant(kind, text, None, input)
    }

    fn none_is(&self, kind: &Kind, text: &str, all: &[Value]) -> Failure {
        let names = all.iter().filter_map(|one| one["name"].as_str());
        let near = crate::grammar::nearest(text, names);
        let hint = match (near, crate::table::all().find(|one| lists(one, kind))) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, Some(list)) => {
                format!("to see what is there: {} {}", self.program, list.words())
            }
            (None, None) => "names are in lower case; an ID does too".to_owned(),
        };
        Failure::hinted(format!("There is no {} with the name or ID '{text}'.", kind.noun), hint)
    }

    /// What lists of IAM's want besides.
    pub fn account_query(&mut self, kind: &Kind) -> Query {
        if kind.service != kinds::Service::Iam {
            return Query::new();
        }
        let (account, iam_id) = self.who();
        let mut query = vec![("account_id".to_owned(), account)];
        if kind.key == "apikeys" {
            query.push(("iam_id".to_owned(), iam_id));
        }
        query
    }

    /// Names in JSON that was typed: where the API wants an identity and there is only a name.
    pub fn names_within(&mut self, value: &mut Value) -> Outcome {
        match value {
            Value::Array(all) => all.iter_mut().try_for_each(|one| self.names_within(one)),
            Value::Object(fields) => {
                for (key, inside) in fields.iter_mut() {
                    let kind: Option<&'static Kind> = match key.as_str() {
                        "subnet" => Some(&kinds::SUBNET),
                        "vpc" => Some(&kinds::VPC),
                        "image" => Some(&kinds::IMAGE),
                        "security_groups" => Some(&kinds::SECURITY_GROUP),
                        "virtual_network_interface" => Some(&kinds::VIRTUAL_NETWORK_INTERFACE),
                        "volume" => Some(&kinds::VOLUME),
                        "keys" => Some(&kinds::KEY),
                        _ => None,
                    };
                    match kind {
                        Some(kind) => self.name_within(kind, inside)?,
                        None => self.names_within(inside)?,
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn name_within(&mut self, kind: &'static Kind, value: &mut Value) -> Outcome {
        match value {
            Value::Array(all) => all.iter_mut().try_for_each(|one| self.name_within(kind, one)),
            Value::Object(fields) if fields.len() == 1 && fields.contains_key("name") => {
                let name = fields["name"].as_str().unwrap_or_default().to_owned();
                let input = Input::nothing();
                let meant = self.meant(kind, &name, None, &input)?;
                *value = json!({ "id": meant.id });
                Ok(())
            }
            other => self.names_within(other),
        }
    }
}

/// A UUID, with or without the four letters of a region or zone; the ids of IAM; 32 hexadecimal
/// digits.
fn is_id(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.len() == 32 && hex(text) {
        return true;
    }
    let text = ["ApiKey-", "ServiceId-", "AccessGroupId-", "Profile-", "IBMid-"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    let text = match text.split_once(['-', '_']) {
        Some((prefix, rest)) if prefix.len() == 4 => rest,
        _ => text,
    };
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| hex(part))
}

fn id_of(one: &Value, kind: &Kind) -> String {
    one[kind.id].as_str().unwrap_or_default().to_owned()
}

fn ambiguous(kind: &Kind, text: &str, found: &[&Value]) -> Failure {
    let told = found.iter().take(CANDIDATES_MAX).map(|one| {
        let place = ["/vpc/name", "/zone/name", "/status"];
        let place = place.iter().find_map(|at| one.pointer(at)?.as_str()).unwrap_or("-");
        format!("  {} ({place})", id_of(one, kind))
    });
    let lines: Vec<_> = told.collect();
    let more = found.len().saturating_sub(CANDIDATES_MAX);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let hint = match kind.within {
        Some((flag, _)) => format!("give its ID, or --{flag}"),
        None => "give its ID".to_owned(),
    };
    Failure::hinted(
        format!(
            "There are {} {} with the name '{text}':\n{}{more}",
            found.len(),
            kind.plural,
            lines.join("\n")
        ),
        hint,
    )
}

fn lists(command: &crate::table::Command, kind: &Kind) -> bool {
    matches!(command.act, crate::table::Act::List(of, _) if std::ptr::eq(of, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_names() {
        for id in [
            "r006-7b5b1cf2-3f2e-4f0f-8a4e-3ad6f4b1d0aa",
            "7b5b1cf2-3f2e-4f0f-8a4e-3ad6f4b1d0aa",
            "0717_7b5b1cf2-3f2e-4f0f-8a4e-3ad6f4b1d0aa",
            "ApiKey-7b5b1cf2-3f2e-4f0f-8a4e-3ad6f4b1d0aa",
            "f22cf48f8836452791311d7c73ba85e9",
        ] {
            assert!(is_id(id), "{id}");
        }
        for name in ["gold", "my-image-2", "a-b-c-d-e", "r006-gold"] {
            assert!(!is_id(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_several_have_is_told_with_all_of_them() {
        let all: Vec<_> = (0..=CANDIDATES_MAX)
            .map(|n| json!({"id": format!("id-{n}"), "vpc": {"name": "net"}}))
            .collect();
        let all: Vec<_> = all.iter().collect();
        let said = ambiguous(&kinds::SUBNET, "a", &all).lines().join("\n");
        assert!(said.contains("id-0 (net)") && said.contains("and 1 more"), "{said}");
        assert!(said.contains("--vpc"), "{said}");
    }
}
