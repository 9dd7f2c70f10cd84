//! How guests are connected: what follows for them from interfaces, subnets, floating IPs, public
//! gateways and security groups.

use std::collections::HashMap;

use base::InstanceId;
use model::SecurityGroupRule;

use super::{
    list::marks,
    prefix::cidr,
    security_group_rule,
    session::Session,
    value::{Row, Value, binds},
};
use crate::{NicReach, StoreError};

/// The interfaces of an instance, the primary one first.
pub(crate) async fn of(
    session: &mut Session,
    instance: &InstanceId,
) -> Result<Vec<NicReach>, StoreError> {
    let rows = session
        .all(
            "SELECT n.id, n.mac, r.address, s.cidr_first, s.cidr_last,
               s.public_gateway_id, f.address
             FROM nics n JOIN reserved_ips r ON r.id = n.primary_ip_id
             JOIN subnets s ON s.id = n.subnet_id LEFT JOIN floating_ips f ON f.nic_id = n.id
             WHERE n.instance_id = $1 ORDER BY n.is_primary DESC, n.position",
            binds![instance],
        )
        .await?;
    let mut all = rows.into_iter().map(reach).collect::<Result<Vec<_>, _>>()?;
    let mut rules = rules(session, &all).await?;
    for one in &mut all {
        one.rules = rules.remove(one.nic.as_str()).unwrap_or_default();
    }
    Ok(all)
}

fn reach(row: Row) -> Result<NicReach, StoreError> {
    let mut row = row.of("nics");
    Ok(NicReach {
        nic: row.id()?,
        mac: row.text()?,
        own: row.address()?,
        range: cidr(&mut row)?,
        gateway: row.opt_text()?.is_some(),
        floating: match row.opt_int()? {
            None => None,
            Some(n) => {
                let address = u32::try_from(n).map_err(|_| row.damaged("not an address"))?;
                Some(address.into())
            }
        },
        rules: Vec::new(),
    })
}

/// The rules of each interface's security groups.
async fn rules(
    session: &mut Session,
    nics: &[NicReach],
) -> Result<HashMap<String, Vec<SecurityGroupRule>>, StoreError> {
    let mut found: HashMap<String, Vec<SecurityGroupRule>> = HashMap::new();
    if nics.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Value> = nics.iter().map(|nic| (&nic.nic).into()).collect();
    let sql = format!(
        "SELECT nic_id, security_group_id FROM nic_security_groups WHERE nic_id IN ({})
         ORDER BY nic_id, position",
        marks(1, ids.len())
    );
    let rows = session.all(sql, ids).await?;
    let pairs = rows.into_iter().map(|mut row| Ok((row.text()?, row.text()?)));
    let pairs = pairs.collect::<Result<Vec<(String, String)>, StoreError>>()?;
    let mut groups: Vec<&str> = pairs.iter().map(|(_, group)| group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() {
        return Ok(found);
    }
    let groups = groups.into_iter().map(Value::from).collect();
    let of_groups = security_group_rule::of(session, groups).await?;
    for (nic, group) in pairs {
        let rules = of_groups.get(&group).into_iter().flatten().cloned();
        found.entry(nic).or_default().extend(rules);
    }
    Ok(found)
}
