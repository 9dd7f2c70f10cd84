use base::{AccountId, SeededEntropy};

use super::*;

fn found() -> Found {
    let account = AccountId::parse("0123456789abcdef0123456789abcdef").unwrap();
    Found {
        crn: Crn::vpc("us-south", &account, "image", "r006-1"),
        name: "golden-1".to_owned(),
        family: "is",
        region: RegionName::parse("us-south").unwrap(),
        group: ResourceGroupId::parse("feed").unwrap(),
        created_at: Timestamp::parse("2026-11-24T10:00:00Z").unwrap(),
        user_tags: vec!["env:dev".to_owned(), "my tag".to_owned()],
        access_tags: vec!["project:x".to_owned()],
        service_tags: Vec::new(),
    }
}

fn fits(text: &str) -> bool {
    SearchQuery::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).matches(&found())
}

const CRN: &str =
    "crn:v1:bluemix:public:is:us-south:a/0123456789abcdef0123456789abcdef::image:r006-1";

#[test]
fn terms_find_their_fields() {
    let crn = format!("crn:\"{CRN}\"");
    let escaped = format!("crn:{}", CRN.replace(':', "\\:").replace('/', "\\/"));
    let bare = format!("crn:{CRN}");
    let upper = crn.to_uppercase().replace("CRN:\"", "crn:\"");
    for yes in [
        "",
        " ",
        "*",
        "*:*",
        &crn,
        &escaped,
        &bare,
        &upper,
        "name:golden-1",
        "name:GOLDEN-1",
        "name: golden-1",
        "name:gold*",
        "name:*1",
        "name:g?lden-?",
        "type:image",
        "family:is",
        "service_name:is",
        "region:us-south",
        "location:us-south",
        "resource_id:r006-1",
        "resource_group_id:feed",
        "account_id:0123456789abcdef0123456789abcdef",
        "tags:\"env:dev\"",
        "tags:env:dev",
        "tags:Env\\:Dev",
        "tags:\"my tag\"",
        "tags:my*",
        "access_tags:\"project:x\"",
        "access_tags:*",
        "golden-1",
        "gold*",
        "image",
        "\"my tag\"",
        "crn:*:image:*",
    ] {
        assert!(fits(yes), "{yes}");
    }
    for no in [
        "name:golden",
        "name:\"gold*\"",
        "type:volume",
        "tags:dev",
        "service_tags:*",
        "service_instance:*",
        "creation_date:2026",
        "nothing:x",
        "region:us-south-1",
        "golden",
        "name:golden-1?",
        "tags:env",
    ] {
        assert!(!fits(no), "{no}");
    }
}

#[test]
fn words_are_joined() {
    for yes in [
        "type:image AND name:gold*",
        "type:volume OR type:image",
        "type:volume type:image",
        "type:volume AND name:x OR type:image",
        "type:image OR name:x AND type:volume",
        "NOT type:volume",
        "type:image NOT tags:old",
        "type:image -tags:old",
        "!type:volume && family:is",
        "type:image AND NOT tags:old",
        "type:image AND (tags:x OR tags:\"env:dev\")",
        "name:(a* OR gold*)",
        "tags:(\"env:dev\" AND \"my tag\")",
        "+type:image name:x",
        "type:volume || +type:image",
        "NOT type:volume OR type:volume",
        "NOT (type:volume OR name:x)",
        "-name:x",
        "and OR golden-1",
    ] {
        assert!(fits(yes), "{yes}");
    }
    for no in [
        "type:image AND name:x",
        "type:image AND NOT name:gold*",
        "type:image NOT name:gold*",
        "NOT name:gold* type:image",
        "type:image AND type:volume OR name:x",
        "tags:(\"env:dev\" AND old)",
        "+type:volume type:image",
        "NOT NOT type:volume",
    ] {
        assert!(!fits(no), "{no}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for bad in [
        "(",
        ")",
        "name:",
        "name:(a",
        "a)",
        "\"a",
        "AND a",
        "a AND",
        "a OR",
        "OR",
        "NOT",
        "a\\",
        "name:()",
        "x]",
        "a OR OR b",
    ] {
        let read = SearchQuery::parse(bad);
        assert!(matches!(read, Err(SearchError::Syntax { .. })), "{bad}: {read:?}");
    }
    for unserved in ["creation_date:[a TO b]", "a~", "a^2", "\"a b\"~2", "name:/a.*/", "(a)^2"] {
        let read = SearchQuery::parse(unserved);
        assert!(matches!(read, Err(SearchError::NotServed { .. })), "{unserved}: {read:?}");
    }
}

#[test]
fn queries_at_both_sides_of_their_limits() {
    let parse = |text: String| SearchQuery::parse(&text).err();
    let long = |n: usize| format!("name:{}", "a".repeat(n - 5));
    assert_eq!(parse(long(QUERY_BYTES_MAX)), None);
    assert_eq!(parse(long(QUERY_BYTES_MAX + 1)), Some(SearchError::TooLong));
    let terms = |n: usize| vec!["a"; n].join(" OR ");
    assert_eq!(parse(terms(QUERY_TERMS_MAX)), None);
    assert_eq!(parse(terms(QUERY_TERMS_MAX + 1)), Some(SearchError::TooManyTerms));
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(parse(deep(QUERY_DEPTH_MAX)), None);
    assert_eq!(parse(deep(QUERY_DEPTH_MAX + 1)), Some(SearchError::TooDeep));
    assert_eq!(parse("!".repeat(5_000)), Some(SearchError::TooDeep));
    let stars = |n: usize| format!("name:{}", "a*".repeat(n));
    assert_eq!(parse(stars(TERM_WILDCARDS_MAX)), None);
    assert_eq!(parse(stars(TERM_WILDCARDS_MAX + 1)), Some(SearchError::TooManyWildcards));
}

#[test]
fn any_text_is_read_or_refused() {
    const PARTS: [&str; 20] = [
        "a", "name:", "tags:", "\"", "(", ")", " ", "AND", "OR", "NOT", "-", "+", "*", "?", "\\",
        ":", "crn", "é", "~", "[",
    ];
    let entropy = SeededEntropy::new(5);
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..entropy.next_u64() % 12 {
            let part = usize::try_from(entropy.next_u64() % 20).unwrap();
            text.push_str(PARTS[part]);
        }
        if let Ok(query) = SearchQuery::parse(&text) {
            let _ = query.matches(&found());
        }
    }
}
