//! The list of the contract's tests.

/// Makes a test of each function of the contract. `$fresh` is an expression that gives a
/// `FreshStore`, or none where the implementation cannot run here.
#[macro_export]
macro_rules! store_contract_tests {
    ($fresh:expr) => {
        $crate::store_contract_tests! { @all $fresh;
            identity: bootstrap_writes_once, sign_in_by_hash, token_keys_newest_first,
                groups_are_an_accounts_own;
            network: a_vpc_and_its_defaults, renames_compare_the_revision, vpcs_are_filtered,
                prefixes, subnets_lie_in_prefixes, provider_addresses, ssh_keys;
            addresses: reserved_ips_are_allocated, a_full_subnet_says_so,
                interface_addresses_go_or_stay, a_taken_address_leaves_nothing_behind;
            volumes: a_volume_reads_back, volumes_are_filtered, volume_updates, volume_deletion,
                volume_epochs_only_grow;
            instances: an_instance_reads_back, instances_are_filtered, instance_updates,
                instance_actions, instance_status_is_compared, instance_deletion,
                only_free_volumes_are_attached;
        }
    };
    (@all $fresh:expr; $($module:ident: $($name:ident),*;)*) => {
        $(mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(fresh) = $fresh {
                        $crate::store_contract::$module::$name(&fresh).await;
                    }
                }
            )*
        })*
    };
}
