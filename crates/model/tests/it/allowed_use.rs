//! Expressions of `allowed_use`: what is read, what is refused, and what they say.

use ectype_model::{
    AllowedUse, EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, Expression, ExpressionError,
    InstanceFacts, MetadataProtocol, NoResult, Over, Refusal,
};

/// Seeds of the random tests; more by `ECTYPE_SEEDS`.
fn seeds() -> u64 {
    std::env::var("ECTYPE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

fn facts() -> InstanceFacts<'static> {
    InstanceFacts {
        profile: "bx2-4x16",
        vcpus: 4,
        metadata_enabled: true,
        metadata_protocol: MetadataProtocol::Https,
    }
}

fn says(text: &str) -> Result<bool, NoResult> {
    Expression::parse(text, Over::Instance)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .holds(&facts())
}

fn refused(text: &str) -> ExpressionError {
    match Expression::parse(text, Over::Instance) {
        Ok(read) => panic!("{text} was read as {read:?}"),
        Err(error) => error,
    }
}

/// What IBM's documents show as examples, and each operator of the language.
#[test]
fn expressions_say_what_the_language_says() {
    for (text, wanted) in [
        ("true", true),
        (" false ", false),
        ("vcpu.count >= 4", true),
        ("vcpu.count > 4", false),
        ("gpu.count > 0", false),
        ("enable_secure_boot == true", false),
        ("!enable_secure_boot && metadata_service.enabled", true),
        ("metadata_service.protocol == 'https'", true),
        ("metadata_service.protocol in [\"http\", 'https']", true),
        ("gpu.manufacturer == \"\" || gpu.model == 'a100'", true),
        ("vcpu.count in [2, 4, 8]", true),
        ("vcpu.count in []", false),
        ("vcpu.count * 2 + 1 == 9", true),
        ("7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1", true),
        ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", true),
        ("2 - 1 - 1 == 0", true),
        ("1.5 * 2.0 == 3 && vcpu.count < 4.5 && vcpu.count >= 3.9", true),
        ("9007199254740993 > 9007199254740992.0", true),
        ("-9223372036854775808 < 0", true),
        ("'a' + \"b\" == 'ab' && 'a' < 'b'", true),
        ("'\\u00e9\\n\\'' == \"é\\n'\"", true),
        ("gpu.count > 0 ? false : vcpu.count > 2", true),
        ("true || false && false", true),
        ("[1, 2] == [1.0, 2.0] && [] == [1] == false", true),
        ("1 < 2 == true", true),
        ("!!true", true),
        ("- -1 == 1", true),
    ] {
        assert_eq!(says(text), Ok(wanted), "{text}");
    }
}

/// A side without result matters only where the other side does not decide.
#[test]
fn what_has_no_result_does_not_hold() {
    for text in [
        "1 / 0 == 1",
        "1 % gpu.count == 0",
        "9223372036854775807 + 1 > 0",
        "-(-9223372036854775807 - 1) > 0",
        "9223372036854775807 * vcpu.count > 0",
        "1 / 0 == 1 || false",
        "true && 1 / 0 == 1",
    ] {
        assert_eq!(says(text), Err(NoResult), "{text}");
        let allowed =
            AllowedUse { instance: text.to_owned(), ..AllowedUse::anything("2026-10-06") };
        assert!(!allowed.allows(&facts()), "{text}");
    }
    assert_eq!(says("1 / 0 == 1 || true"), Ok(true));
    assert_eq!(says("false && 1 / 0 == 1"), Ok(false));
}

#[test]
fn what_is_no_expression_is_refused_by_name() {
    use ExpressionError as E;
    for text in [
        "",
        " ",
        "(",
        "vcpu.count ==",
        "== 1",
        "true true",
        "a b",
        "'open",
        "\"a\nb\"",
        "1 +",
        "#",
        "true;",
        "vcpu.count > 1 &",
        "[1, ",
        "[1 2]",
        "true ? 1",
        "'\\x'",
        "'\\ud800'",
        "12ab",
        "99999999999999999999",
        "9223372036854775808",
        "1e999",
        "null",
        "vcpu.",
        "in",
        "for",
        "vcpu[\"count\"]",
        "b'x'",
        "=",
        "a = b",
        "'a'[0] == 'a'",
        "true: false",
        ",",
    ] {
        assert!(matches!(refused(text), E::Syntax { .. }), "{text}: {:?}", refused(text));
    }
    for text in ["size('a') == 1", "'a'.startsWith('a')", "has(gpu.model)", "[1].exists(x, x > 0)"]
    {
        assert!(matches!(refused(text), E::Call { .. }), "{text}: {:?}", refused(text));
    }
    for text in ["memory > 1", "gpu", "vcpu", "vcpu.counts > 1", "VCPU.count > 1", "gpu.count.x"] {
        assert!(matches!(refused(text), E::UnknownVariable { .. }), "{text}");
    }
    for text in [
        "vcpu.count == 'a'",
        "!1",
        "-true",
        "1 && true",
        "'a' * 2",
        "1 + 1.5",
        "1.5 % 2.0",
        "1 in 2",
        "'a' in [1]",
        "[1, 'a'] == [1]",
        "[1] < [2]",
        "true ? 1 : 'a'",
        "1 ? 2 : 3",
        "1 < 2 < 3",
    ] {
        assert!(matches!(refused(text), E::Kinds { .. }), "{text}: {:?}", refused(text));
    }
    for text in ["1", "'true'", "vcpu.count", "[true]", "1 + 1", "1.5"] {
        assert!(matches!(refused(text), E::NotBoolean { .. }), "{text}");
    }
}

#[test]
fn length_and_depth_at_both_sides() {
    let padded = |bytes: usize| format!("{:>bytes$}", "true");
    assert!(Expression::parse(&padded(EXPRESSION_BYTES_MAX), Over::Instance).is_ok());
    assert_eq!(refused(&padded(EXPRESSION_BYTES_MAX + 1)), ExpressionError::TooLong);
    let nested = |n: usize| format!("{}true{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(says(&nested(EXPRESSION_DEPTH_MAX)), Ok(true));
    assert_eq!(refused(&nested(EXPRESSION_DEPTH_MAX + 1)), ExpressionError::TooDeep);
    let negated = |n: usize| format!("{}true", "!".repeat(n));
    assert_eq!(says(&negated(EXPRESSION_DEPTH_MAX)), Ok(true));
    assert_eq!(refused(&negated(EXPRESSION_DEPTH_MAX + 1)), ExpressionError::TooDeep);
    // The longest chain is as deep a tree as the length allows.
    let chain = format!("{}1>0", "1+".repeat((EXPRESSION_BYTES_MAX - 3) / 2));
    assert_eq!(says(&chain), Ok(true));
}

#[test]
fn a_bare_metal_server_has_one_variable() {
    let read = |text| Expression::parse(text, Over::BareMetalServer);
    assert!(read("enable_secure_boot || true").is_ok());
    assert!(matches!(read("vcpu.count > 1"), Err(ExpressionError::UnknownVariable { .. })));
}

#[test]
fn a_refusal_says_what_was_judged_by_what() {
    let allowed =
        AllowedUse { instance: "vcpu.count > 4".to_owned(), ..AllowedUse::anything("2026-10-06") };
    let refusal = allowed.check("image", "r006-1", &facts()).unwrap_err();
    assert!(matches!(refusal, Refusal::NotAllowedUse { of: "image", .. }));
    let text = refusal.to_string();
    for part in ["r006-1", "vcpu.count > 4", "bx2-4x16", "vcpu.count 4"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(AllowedUse::anything("2026-10-06").check("image", "r006-1", &facts()), Ok(()));
}

/// Enough randomness for a test.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.roll(all.len() as u64)).unwrap()]
    }
}

/// A random boolean expression and what it says, worked out beside it.
fn boolean(dice: &mut Dice, depth: u32) -> (String, bool) {
    if depth == 0 {
        let (text, value) = dice.of(&[
            ("true", true),
            ("false", false),
            ("enable_secure_boot", false),
            ("metadata_service.enabled", true),
            ("metadata_service.protocol == 'http'", false),
        ]);
        return (text.to_owned(), value);
    }
    match dice.roll(5) {
        0 => {
            let (text, value) = boolean(dice, depth - 1);
            (format!("!({text})"), !value)
        }
        1 => {
            let ((a, x), (b, y)) = (boolean(dice, depth - 1), boolean(dice, depth - 1));
            (format!("({a}) && ({b})"), x && y)
        }
        2 => {
            let ((a, x), (b, y)) = (boolean(dice, depth - 1), boolean(dice, depth - 1));
            (format!("({a})||({b})"), x || y)
        }
        3 => {
            let (c, z) = boolean(dice, depth - 1);
            let ((a, x), (b, y)) = (boolean(dice, depth - 1), boolean(dice, depth - 1));
            (format!("({c}) ? ({a}) : ({b})"), if z { x } else { y })
        }
        _ => {
            let ((a, x), (b, y)) = (number(dice, depth - 1), number(dice, depth - 1));
            let (sign, value) = dice.of(&[
                ("==", x == y),
                ("!=", x != y),
                ("<", x < y),
                ("<=", x <= y),
                (">", x > y),
                (">=", x >= y),
            ]);
            (format!("{a} {sign} {b}"), value)
        }
    }
}

/// A random integer expression, small enough not to overflow.
fn number(dice: &mut Dice, depth: u32) -> (String, i64) {
    if depth == 0 {
        let n = i64::try_from(dice.roll(10)).unwrap();
        return if dice.roll(3) == 0 { ("vcpu.count".to_owned(), 4) } else { (n.to_string(), n) };
    }
    let ((a, x), (b, y)) = (number(dice, depth - 1), number(dice, depth - 1));
    match dice.roll(4) {
        0 => (format!("({a} + {b})"), x + y),
        1 => (format!("({a} - {b})"), x - y),
        2 => (format!("({a} * {b})"), x * y),
        _ => (format!("-({a})"), -x),
    }
}

/// Property: an expression that is put together with its value is read, and says that value.
#[test]
fn random_expressions_say_what_they_were_made_to_say() {
    for seed in 1..=seeds() {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (text, wanted) = boolean(&mut dice, 3);
        if text.len() <= EXPRESSION_BYTES_MAX {
            assert_eq!(says(&text), Ok(wanted), "seed {seed}: {text}");
        }
    }
}

/// Property: no text panics; what is read gives a boolean or has no result.
#[test]
fn random_texts_are_read_or_refused() {
    const PARTS: [&str; 28] = [
        "true",
        "false",
        "vcpu.count",
        "gpu.model",
        "x",
        ".",
        "(",
        ")",
        "[",
        "]",
        ",",
        "?",
        ":",
        "&&",
        "||",
        "==",
        "<",
        "in",
        "!",
        "-",
        "+",
        "/",
        "%",
        "1",
        "1.5",
        "'a'",
        "é",
        "\\",
    ];
    let mut read = 0;
    for seed in 1..=seeds() * 20 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut text = String::new();
        for _ in 0..1 + dice.roll(7) {
            text.push_str(dice.of(&PARTS));
            text.push_str(dice.of(&["", " "]));
        }
        if let Ok(expression) = Expression::parse(&text, Over::Instance) {
            read += 1;
            let _ = expression.holds(&facts());
        }
    }
    assert!(read > 0, "some are read");
}
