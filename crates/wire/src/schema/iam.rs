//! IAM identity, and the server's own health.

use super::{
    Shapes,
    build::{count, has, href, just, list, object, one_of, text, to},
    operation::{Described, read},
};

pub(super) fn operations() -> Vec<Described> {
    let token = |name| {
        let mut described = read(name, to("TokenResponse")).takes_form(to("TokenRequest"));
        described.refusals.extend([400, 401]);
        described
    };
    vec![
        token("get_token").about("Changes an API key or a refresh token for an access token, or one access token for that of a trusted profile."),
        token("get_token_oidc").about("The same, at IBM's older path."),
        read("get_token_keys", to("TokenKeys")),
        read("get_discovery", to("Discovery")),
        read("healthz", object([has("status", just("ok"))])),
        read("metrics", text()).in_text().about("Figures for Prometheus."),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    let grant = |name| has("grant_type", just(name));
    into.add(
        "TokenRequest",
        one_of([
            object([grant("urn:ibm:params:oauth:grant-type:apikey"), has("apikey", text())])
                .titled("TokenRequestByApiKey"),
            object([grant("refresh_token"), has("refresh_token", text())])
                .titled("TokenRequestByRefreshToken"),
            object([
                grant("urn:ibm:params:oauth:grant-type:assume"),
                has("access_token", text()),
                has("profile_id", text()),
            ])
            .titled("TokenRequestByProfileId"),
            object([
                grant("urn:ibm:params:oauth:grant-type:assume"),
                has("access_token", text()),
                has("profile_crn", text()),
            ])
            .titled("TokenRequestByProfileCRN"),
            object([
                grant("urn:ibm:params:oauth:grant-type:assume"),
                has("access_token", text()),
                has("account", text()),
                has("profile_name", text()),
            ])
            .titled("TokenRequestByProfileName"),
        ]),
    );
    into.add(
        "TokenResponse",
        object([
            has("access_token", text()),
            has("expiration", count().about("Seconds since 1970.")),
            has("expires_in", count().about("Seconds.")),
            has("ims_user_id", count()),
            has("refresh_token", text()),
            has("scope", text()),
            has("session_id", text()),
            has("token_type", just("Bearer")),
        ]),
    );
    let key = object([
        has("alg", just("RS256")),
        has("e", text()),
        has("kid", text()),
        has("kty", just("RSA")),
        has("n", text()),
    ]);
    into.add("TokenKeys", object([has("keys", list(key))]));
    let texts = || list(text());
    into.add(
        "Discovery",
        object([
            has("authorization_endpoint", href()),
            has("grant_types_supported", texts()),
            has("id_token_signing_alg_values_supported", texts()),
            has("issuer", href()),
            has("jwks_uri", href()),
            has("passcode_endpoint", href()),
            has("response_types_supported", texts()),
            has("subject_types_supported", texts()),
            has("token_endpoint", href()),
            has("userinfo_endpoint", href()),
        ]),
    );
}
