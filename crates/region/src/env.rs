//! `ectype env`: the variables that SDKs, Terraform and our own commands read.

use std::{collections::BTreeMap, path::Path};

use crate::{data_dir::DataDir, tls};

/// Variables whose value is the region's URL itself.
const PLAIN: [&str; 11] = [
    "IBMCLOUD_ACCOUNT_MANAGEMENT_API_ENDPOINT",
    "IBMCLOUD_ATRACKER_API_ENDPOINT",
    "IBMCLOUD_COS_CONFIG_ENDPOINT",
    "IBMCLOUD_GS_API_ENDPOINT",
    "IBMCLOUD_GT_API_ENDPOINT",
    "IBMCLOUD_IAM_API_ENDPOINT",
    "IBMCLOUD_KP_API_ENDPOINT",
    "IBMCLOUD_RESOURCE_CATALOG_API_ENDPOINT",
    "IBMCLOUD_RESOURCE_CONTROLLER_API_ENDPOINT",
    "IBMCLOUD_RESOURCE_MANAGEMENT_API_ENDPOINT",
    "IBMCLOUD_USER_MANAGEMENT_ENDPOINT",
];

/// Every variable with its value.
fn variables(url: &str, api_key: &str, region: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> =
        PLAIN.iter().map(|name| ((*name).to_owned(), url.to_owned())).collect();
    let more = [
        ("ECTYPE_URL", url.to_owned()),
        ("IBMCLOUD_API_KEY", api_key.to_owned()),
        ("IBMCLOUD_IS_NG_API_ENDPOINT", format!("{url}/v1")),
        ("IBMCLOUD_REGION", region.to_owned()),
        ("IBMCLOUD_USAGE_REPORTS_API_ENDPOINT", url.to_owned()),
        ("IC_API_KEY", api_key.to_owned()),
        ("IC_REGION", region.to_owned()),
    ];
    all.extend(more.map(|(name, value)| (name.to_owned(), value)));
    all
}

/// What programs read to believe a CA: some add the one file to what they know, some read one
/// file instead.
fn trust(ca: &Path, bundle: &Path) -> BTreeMap<String, String> {
    let (ca, bundle) = (ca.display().to_string(), bundle.display().to_string());
    let all = [
        // curl, Python's requests, Go and OpenSSL (so Terraform and Python's ssl).
        ("CURL_CA_BUNDLE", &bundle),
        ("REQUESTS_CA_BUNDLE", &bundle),
        ("SSL_CERT_FILE", &bundle),
        ("NODE_EXTRA_CA_CERTS", &ca),
        ("ECTYPE_CA_FILE", &ca),
    ];
    all.map(|(name, value)| (name.to_owned(), value.clone())).into()
}

/// Prints them: shell lines, or one JSON object.
pub fn print(data: &DataDir, json: bool) -> anyhow::Result<()> {
    let credentials = data.credentials()?;
    let url = data.endpoint()?;
    let mut all = variables(&url, &credentials.api_key, &credentials.region);
    let (ca, bundle) = (data.path(tls::CA), data.path(tls::BUNDLE));
    if url.starts_with("https://") && bundle.exists() {
        all.extend(trust(&ca, &bundle));
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for (name, value) in all {
        // A path may hold anything.
        println!("export {name}='{}'", value.replace('\'', "'\\''"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vpc_endpoint_has_its_version_and_the_others_have_no_path() {
        let all = variables("http://127.0.0.1:1", "key", "us-south");
        assert_eq!(all["IBMCLOUD_IS_NG_API_ENDPOINT"], "http://127.0.0.1:1/v1");
        assert_eq!(all["IBMCLOUD_KP_API_ENDPOINT"], "http://127.0.0.1:1");
        assert_eq!(all["IC_REGION"], "us-south");
    }
}
