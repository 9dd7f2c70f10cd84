//! The list of the contract's tests.

/// Makes a test of each function of the contract. `$fresh` is an expression that gives a
/// `FreshStore`, or none where the implementation cannot run here.
#[macro_export]
macro_rules! store_contract_tests {
    ($fresh:expr) => {
        $crate::store_contract_tests! { @all $fresh;
            principals: principals_are_an_accounts_own,
                names_of_profiles_and_mail_of_users_are_unique, principals_and_keys_in_pages,
                api_keys_are_saved_used_and_deleted, parts_of_profiles,
                sessions_are_refreshed_once_a_token;
            identity: bootstrap_writes_once, sign_in_by_hash, token_keys_newest_first,
                groups_are_an_accounts_own;
            network: a_vpc_and_its_defaults, renames_compare_the_revision, vpcs_are_filtered,
                prefixes, subnets_lie_in_prefixes, provider_addresses, ssh_keys;
            firewall: rules_of_a_security_group, a_rule_names_a_group_of_its_vpc,
                rules_of_an_acl_have_an_order, an_acl_in_use_stays;
            interfaces: interfaces_come_and_go, interfaces_at_the_profiles_limit;
            floating_ips: floating_ips_are_bound_and_released, an_instance_that_goes_frees_its_ip,
                public_gateways_have_a_floating_ip_and_subnets,
                permits_for_floating_ips_must_fit;
            addresses: reserved_ips_are_allocated, a_full_subnet_says_so,
                interface_addresses_go_or_stay, a_taken_address_leaves_nothing_behind;
            vnis: one_reads_back_and_changes, its_addresses_come_and_go,
                an_instance_is_attached_to_it, attachments_come_and_go;
            volumes: a_volume_reads_back, volumes_are_filtered, volume_updates, volume_deletion,
                volume_epochs_only_grow;
            attachments: a_volume_comes_to_a_stopped_instance_and_leaves_it,
                a_running_guest_is_told_by_a_job, only_what_fits_is_attached,
                a_served_volume_grows_by_a_job;
            instances: an_instance_reads_back, instances_are_filtered, instance_updates,
                instance_actions, actions_wait_for_each_other, a_stop_by_force_comes_first,
                instance_status_is_compared, instance_deletion,
                only_free_volumes_are_attached;
            images: an_image_has_the_facts_of_its_volume, allowed_use_can_be_given,
                sources_are_checked_in_the_transaction, a_customers_key_is_kept,
                names_outlive_what_they_name, images_are_filtered,
                a_new_stock_image_deprecates_the_older, only_provisionable_images_make_instances,
                stock_images_are_the_providers, an_attached_data_volume_is_no_source,
                an_image_without_a_volume_has_a_place;
            allowed_use: a_new_instance_is_judged, a_changed_instance_is_judged;
            faults: an_images_status_is_forced_and_restored, work_under_way_is_left_alone,
                volumes_and_the_limit;
            lineage: an_image_knows_its_line, the_end_of_a_system_moves_its_stock_images;
            captures: a_commit_counts_once, a_stale_worker_changes_nothing, a_failed_capture,
                a_volume_is_freed_by_its_holder, deleting_a_pending_image_cancels,
                only_a_deleting_image_goes,
                a_commit_can_rebase;
            starts: a_start_waits_for_the_capture, a_stop_takes_a_waiting_start_back,
                a_failed_capture_releases_the_start, a_captured_instance_is_not_deleted;
            lifecycle: forwards_and_backwards, dates_come_due, due_images_come_in_batches,
                dates_that_pass_while_pending, updates_are_checked,
                a_deleting_image_takes_no_change;
            job_rows: claims_are_exclusive, progress_is_fenced, jobs_are_found,
                notes_are_kept_by_key, the_sequence_only_grows;
            store_gc: open_operations_bound_the_collection,
                packs_are_condemned_before_they_are_deleted,
                a_newer_store_switches_the_collection_off, pins_keep_roots,
                a_region_job_is_queued_once, scrubs_go_on_and_remember, images_are_adopted;
            key_protect: keys_are_kept_whole, keys_are_listed_by_state_kind_and_ring,
                an_instance_goes_when_its_keys_are_deleted;
            wraps: data_keys_are_wrapped_anew, an_image_is_encrypted_anew_once;
            groups: a_group_is_made_renamed_and_deleted, group_names_are_an_accounts_own,
                a_group_with_something_in_it_stays, group_limits_and_permits;
            tags: tags_are_attached_and_detached, user_tags_of_volumes_are_tags,
                only_own_resources_are_tagged, access_tags_come_first,
                user_tags_at_both_sides_of_their_limit, names_of_tags_stay_until_deleted,
                tags_go_with_their_resource;
            search: a_query_finds_what_fits_it, any_query_finds_what_fits_it, search_is_paged,
                search_stays_in_the_account;
            outbox: events_read_back, a_refused_change_is_not_reported, usage_begins_and_ends;
            names: names_are_unique_in_an_account, names_are_unique_in_a_parent, account_limits,
                network_limits, instance_limits;
            pages: ties_are_broken_in_byte_order, page_sizes_at_both_sides, pages_do_not_move,
                random_changes_move_no_page, every_list_pages;
            races: one_capture_of_a_volume_at_once, one_of_a_name_at_once,
                one_writer_of_a_revision_at_once, addresses_are_given_once,
                claims_epochs_and_numbers_are_given_once, commit_meets_delete;
            access: a_policy_lives, policies_are_said_once_and_are_an_accounts_own,
                policies_of_a_group_count_for_its_members, access_groups_are_an_accounts_own,
                a_custom_role_lives, readers_of_a_part_see_that_part;
            accounts: reads_stay_in_the_account, writes_stay_in_the_account,
                parts_stay_in_the_account, permits_must_fit;
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
