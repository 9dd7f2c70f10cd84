use base::SeededEntropy;
use serde_json::json;

use super::*;

fn body(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn seen(error: ApiError) -> (ErrorCode, String) {
    (error.code, error.target.unwrap().name)
}

#[test]
fn a_body_is_one_json_object() {
    assert!(parse_body(b" {\"a\": 1}\n").is_ok());
    for bad in [&b""[..], b"  ", b"[]", b"null", b"\"x\"", b"{", b"{\"a\":1}x", b"\xff"] {
        assert_eq!(parse_body(bad).unwrap_err().code, ErrorCode::BadRequest, "{bad:?}");
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow() {
    let deep = "[".repeat(200_000);
    assert!(parse_body(format!("{{\"a\":{deep}").as_bytes()).is_err());
}

#[test]
fn a_wrong_type_names_the_field_by_its_path() {
    let map = body(json!({"boot": {"volume": {"capacity": "100"}}, "list": [{}, 1]}));
    let root = Fields::root(&map);
    let volume = root.object("boot").unwrap().unwrap().object("volume").unwrap().unwrap();
    let wrong = ErrorCode::ValidationInvalidFieldType;
    assert_eq!(
        seen(volume.number("capacity", 1, 10).unwrap_err()),
        (wrong, "boot.volume.capacity".to_owned())
    );
    assert_eq!(seen(root.text("boot").unwrap_err()), (wrong, "boot".to_owned()));
    assert_eq!(seen(root.objects("list", 9).unwrap_err()), (wrong, "list[1]".to_owned()));
    assert_eq!(seen(volume.flag("capacity").unwrap_err()).0, wrong);
}

#[test]
fn numbers_are_integers_within_both_bounds() {
    let map = body(json!({"lo": 9, "min": 10, "max": 20, "hi": 21, "neg": -1, "half": 10.5,
        "huge": 1e30}));
    let f = Fields::root(&map);
    let code = |field| f.number(field, 10, 20).unwrap_err().code;
    assert_eq!(f.number("min", 10, 20).unwrap(), Some(10));
    assert_eq!(f.number("max", 10, 20).unwrap(), Some(20));
    assert_eq!(f.number("none", 10, 20).unwrap(), None);
    assert_eq!(code("lo"), ErrorCode::ValidationMinValue);
    assert_eq!(code("neg"), ErrorCode::ValidationMinValue);
    assert_eq!(code("hi"), ErrorCode::ValidationMaxValue);
    assert_eq!(code("half"), ErrorCode::ValidationInvalidFieldType);
    assert_eq!(code("huge"), ErrorCode::ValidationInvalidFieldType);
}

#[test]
fn texts_and_arrays_at_their_limits() {
    let map = body(json!({"t": "a".repeat(10), "l": ["a", "b"]}));
    let f = Fields::root(&map);
    assert!(f.text_up_to("t", 10).is_ok());
    assert_eq!(f.text_up_to("t", 9).unwrap_err().code, ErrorCode::ValidationMaxValue);
    assert_eq!(f.texts("l", 2).unwrap(), Some(vec!["a", "b"]));
    assert_eq!(f.texts("l", 1).unwrap_err().code, ErrorCode::ValidationMaxValue);
}

#[test]
fn a_merge_patch_tells_absent_from_null() {
    let map = body(json!({"gone": null, "set": "a"}));
    let f = Fields::root(&map);
    let read = |field: &'static str| f.patched(field, |f| f.text(field)).unwrap();
    assert_eq!(read("absent"), None);
    assert_eq!(read("gone"), Some(None));
    assert_eq!(read("set"), Some(Some("a")));
    let error = f.patched_value("gone", |f| f.text("gone")).unwrap_err();
    assert_eq!(error.code, ErrorCode::ValidationFailure);
}

#[test]
fn what_is_not_served_is_refused_unless_it_means_the_default() {
    let map = body(json!({"a": false, "b": true, "c": [], "d": null}));
    let f = Fields::root(&map);
    let default = Some(Value::Bool(false));
    assert!(f.unserved(&[("a", default.clone()), ("c", None), ("d", None)]).is_ok());
    let error = f.unserved(&[("b", default)]).unwrap_err();
    assert_eq!((error.code, error.status), (ErrorCode::NotImplemented, 501));
}

#[test]
fn names_and_dates_say_what_is_wrong() {
    let map = body(json!({"name": "Bad", "ibm": "ibm-x", "at": "tomorrow"}));
    let f = Fields::root(&map);
    assert_eq!(f.name("name").unwrap_err().code, ErrorCode::ValidationInvalidName);
    assert!(f.name("ibm").is_ok());
    assert_eq!(f.name_unreserved("ibm").unwrap_err().code, ErrorCode::ValidationInvalidName);
    assert_eq!(f.date("at").unwrap_err().code, ErrorCode::InvalidValue);
}

#[test]
fn any_bytes_are_a_body_or_an_error() {
    let entropy = SeededEntropy::new(5);
    let alphabet = b"{}[]\":,0123eE+-.\\untrlfasbd \xff\x00";
    for _ in 0..5_000 {
        let len = entropy.next_u64() % 40;
        let bytes: Vec<u8> = (0..len)
            .map(|_| alphabet[usize::try_from(entropy.next_u64()).unwrap_or(0) % alphabet.len()])
            .collect();
        let _ = parse_body(&bytes);
    }
}
