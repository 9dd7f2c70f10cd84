//! Commands that no general act covers, one file for what belongs together.

mod capture;
mod completion;
mod console;
mod doctor;
mod groups;
mod iam;
mod instances;
mod key_protect;
mod link;
mod login;
mod logs;
mod networks;
mod policies;
mod ssh;
mod tags;
mod target;
mod wait;

pub(crate) use capture::capture;
pub(crate) use completion::completion;
pub(crate) use console::console;
pub(crate) use doctor::doctor;
pub(crate) use groups::{
    group_create, group_show, groups, service_instance, service_instance_create,
};
pub(crate) use iam::{
    api_key_create, oauth_tokens, service_api_key_create, service_id_create, users,
};
pub(crate) use instances::{
    instance_create, instance_initialization, instance_reboot, instance_reinitialize,
    instance_start, instance_stop,
};
pub(crate) use key_protect::{
    key_create, key_delete, key_disable, key_enable, key_restore, key_rings, key_rotate, key_show,
    keys,
};
pub(crate) use link::link;
pub(crate) use login::{api_key_of, login, logout};
pub(crate) use logs::logs;
pub(crate) use networks::{
    floating_ip_reserve, gateway_attach, rule_add, subnet_create, subnet_show, vpc_show,
};
pub(crate) use policies::{
    access_group_create, authorization_create, authorizations, group_service_id_add,
    group_user_add, policies, policy_create, roles,
};
pub(crate) use ssh::ssh;
pub(crate) use tags::{search, tag_attach, tag_detach, tags};
pub(crate) use target::{api, config, is_target, regions, target};
pub(crate) use wait::{WAITED, wait};
