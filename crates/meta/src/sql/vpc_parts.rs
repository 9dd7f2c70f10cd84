//! What is made with a VPC, and goes with it: network ACLs, security groups, routing tables.

use base::VpcId;

use super::{acl, head::head_binds, security_group, session::Session, value::binds};
use crate::{NewVpc, StoreError};

pub(crate) async fn insert(tx: &mut Session, new: &NewVpc) -> Result<(), StoreError> {
    acl::insert(tx, &new.acl).await?;
    let mut values = head_binds(&new.routing_table.head);
    values.extend(binds![&new.vpc.head.id, new.routing_table.is_default]);
    tx.run(
        "INSERT INTO routing_tables
           (id, account_id, group_id, name, created_at, revision, vpc_id, is_default)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values,
    )
    .await?;
    security_group::insert(tx, &new.security_group).await
}

/// Deletes them all, for a VPC that nothing uses.
pub(crate) async fn delete(tx: &mut Session, vpc: &VpcId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM security_group_rules WHERE security_group_id IN
           (SELECT id FROM security_groups WHERE vpc_id = $1)",
        "DELETE FROM acl_rules WHERE acl_id IN (SELECT id FROM acls WHERE vpc_id = $1)",
        "DELETE FROM tags WHERE resource_id IN
           (SELECT id FROM security_groups WHERE vpc_id = $1)",
        "DELETE FROM tags WHERE resource_id IN
           (SELECT id FROM routing_tables WHERE vpc_id = $1)",
        "DELETE FROM tags WHERE resource_id IN (SELECT id FROM acls WHERE vpc_id = $1)",
        "DELETE FROM security_groups WHERE vpc_id = $1",
        "DELETE FROM routing_tables WHERE vpc_id = $1",
        "DELETE FROM acls WHERE vpc_id = $1",
    ] {
        tx.run(sql, binds![vpc]).await?;
    }
    Ok(())
}
