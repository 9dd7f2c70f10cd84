//! Which address each service has: what the environment says, what the user signed in at, or the
//! region that runs here.

use std::collections::HashMap;

use super::Address;
use crate::{
    failure::{Failure, Outcome},
    kinds::Service,
};

/// Where IBM's own services are; unlike ours, on many hosts.
pub(crate) const IBM_API: &str = "cloud.ibm.com";

/// The variable that names a service's address, as Terraform's provider reads it.
const fn variable(service: Service) -> &'static str {
    match service {
        Service::Vpc => "IBMCLOUD_IS_NG_API_ENDPOINT",
        Service::Iam => "IBMCLOUD_IAM_API_ENDPOINT",
        Service::ResourceManager => "IBMCLOUD_RESOURCE_MANAGEMENT_API_ENDPOINT",
        Service::ResourceController => "IBMCLOUD_RESOURCE_CONTROLLER_API_ENDPOINT",
        Service::Tagging => "IBMCLOUD_GT_API_ENDPOINT",
        Service::Search => "IBMCLOUD_GS_API_ENDPOINT",
        Service::Users => "IBMCLOUD_USER_MANAGEMENT_ENDPOINT",
        Service::Keys => "IBMCLOUD_KP_API_ENDPOINT",
    }
}

/// The addresses of one run.
#[derive(Debug)]
pub(crate) struct Endpoints {
    /// By variable.
    named: HashMap<Service, Address>,
    /// One address for all.
    all: Option<Address>,
    region: String,
}

impl Endpoints {
    /// `all` is what the user signed in at, or the region that runs here.
    ///
    /// # Errors
    /// A variable that is no address.
    pub fn new(
        variables: impl Fn(&str) -> Option<String>,
        all: Option<Address>,
        region: String,
    ) -> Outcome<Self> {
        let services = [
            Service::Vpc,
            Service::Iam,
            Service::ResourceManager,
            Service::ResourceController,
            Service::Tagging,
            Service::Search,
            Service::Users,
            Service::Keys,
        ];
        let mut named = HashMap::new();
        for service in services {
            if let Some(text) = variables(variable(service)).filter(|text| !text.is_empty()) {
                let address = Address::parse(&text).map_err(|_| {
                    Failure::plain(format!("{} is no address: '{text}'", variable(service)))
                })?;
                named.insert(service, address);
            }
        }
        Ok(Self { named, all, region })
    }

    /// Where a service answers.
    ///
    /// # Errors
    /// When nothing names a region.
    pub fn of(&self, service: Service) -> Outcome<Address> {
        if let Some(address) = self.named.get(&service) {
            return Ok(address.clone());
        }
        let all = self.all.as_ref().ok_or_else(no_region)?;
        if all.host != IBM_API {
            return Ok(all.clone());
        }
        let region = &self.region;
        let host = match service {
            Service::Vpc if region.is_empty() => {
                return Err(Failure::hinted("No region is targeted.", "ectype target -r REGION"));
            }
            Service::Vpc => format!("{region}.iaas.{IBM_API}"),
            Service::Iam => format!("iam.{IBM_API}"),
            Service::ResourceManager | Service::ResourceController => {
                format!("resource-controller.{IBM_API}")
            }
            Service::Tagging => format!("tags.global-search-tagging.{IBM_API}"),
            Service::Search => format!("api.global-search-tagging.{IBM_API}"),
            Service::Keys => format!("{region}.kms.{IBM_API}"),
            Service::Users => format!("user-management.{IBM_API}"),
        };
        Address::parse(&host)
    }
}

fn no_region() -> Failure {
    Failure::hinted(
        "No region is named, and none runs here.",
        "start one with `ectype serve`, or name one with `ectype login -a URL`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Option<Address> {
        Some(Address::parse(text).unwrap())
    }

    #[test]
    fn a_variable_wins_and_one_address_serves_the_rest() {
        let variables = |name: &str| {
            (name == "IBMCLOUD_IS_NG_API_ENDPOINT").then(|| "http://vpc:1/v1".to_owned())
        };
        let found = Endpoints::new(variables, all("http://one:2"), String::new()).unwrap();
        assert_eq!(found.of(Service::Vpc).unwrap().to_string(), "http://vpc:1");
        assert_eq!(found.of(Service::Iam).unwrap().to_string(), "http://one:2");
    }

    #[test]
    fn ibms_own_services_have_hosts_of_their_own() {
        let found = Endpoints::new(|_| None, all("cloud.ibm.com"), "us-south".into()).unwrap();
        assert_eq!(found.of(Service::Vpc).unwrap().host, "us-south.iaas.cloud.ibm.com");
        assert_eq!(found.of(Service::Iam).unwrap().host, "iam.cloud.ibm.com");
    }

    #[test]
    fn without_any_region_the_next_command_is_said() {
        let found = Endpoints::new(|_| None, None, String::new()).unwrap();
        let lines = found.of(Service::Vpc).unwrap_err().lines();
        assert!(lines.iter().any(|line| line.contains("ectype serve")), "{lines:?}");
    }
}
