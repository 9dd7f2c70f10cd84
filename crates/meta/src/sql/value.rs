//! Values that go into statements and come out of rows, alike for both engines.

use base::{ByteCount, Timestamp};
use model::ResourceName;

use crate::StoreError;

/// A parameter or a cell. A null carries its type, because PostgreSQL wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

/// Parameters in the order of `$1`, `$2`, …
pub(crate) type Binds = Vec<Value>;

/// Collects parameters.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::value::Value::from($value)),*] };
}
pub(crate) use binds;

macro_rules! from {
    ($($type:ty => $variant:ident, |$v:ident| $make:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($v: $type) -> Self {
                Self::$variant(Some($make))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(v: Option<$type>) -> Self {
                Self::$variant(v.map(|$v: $type| $make))
            }
        }
    )*};
}

from! {
    i64 => Int, |v| v;
    u32 => Int, |v| i64::from(v);
    u64 => Int, |v| i64::try_from(v).unwrap_or(i64::MAX);
    bool => Int, |v| i64::from(v);
    Timestamp => Int, |v| v.micros();
    ByteCount => Int, |v| i64::try_from(v.0).unwrap_or(i64::MAX);
    std::net::Ipv4Addr => Int, |v| i64::from(u32::from(v));
    &str => Text, |v| v.to_owned();
    String => Text, |v| v;
    &String => Text, |v| v.clone();
    &ResourceName => Text, |v| v.as_str().to_owned();
    Vec<u8> => Blob, |v| v;
    &[u8] => Blob, |v| v.to_vec();
}

macro_rules! from_ids {
    ($($id:ident),*) => {
        from! { $(&base::$id => Text, |v| v.as_str().to_owned();)* }
    };
}

from_ids!(
    AccessGroupId,
    AccessGroupRuleId,
    AccountId,
    AclId,
    AclRuleId,
    AddressPrefixId,
    ApiKeyId,
    AttachmentId,
    EventId,
    FloatingIpId,
    ImageId,
    InstanceActionId,
    InstanceId,
    InstanceTemplateId,
    JobId,
    KeyId,
    KmsKeyId,
    NicId,
    PolicyId,
    PrincipalId,
    PublicGatewayId,
    ReservedIpId,
    ResourceGroupId,
    RoleId,
    RoutingTableId,
    SecurityGroupId,
    SecurityGroupRuleId,
    ServiceInstanceId,
    SubnetId,
    TargetId,
    TokenKeyId,
    UsageId,
    VniId,
    VolumeId,
    VpcId
);

/// A row, read from left to right.
#[derive(Debug)]
pub(crate) struct Row {
    cells: std::vec::IntoIter<Value>,
    table: &'static str,
}

impl Row {
    pub(crate) fn new(cells: Vec<Value>) -> Self {
        Self { cells: cells.into_iter(), table: "the database" }
    }

    /// Names the table that errors speak of.
    pub(crate) fn of(mut self, table: &'static str) -> Self {
        self.table = table;
        self
    }

    pub(crate) fn damaged(&self, why: impl Into<String>) -> StoreError {
        StoreError::Damaged { table: self.table, why: why.into() }
    }

    fn next(&mut self) -> Result<Value, StoreError> {
        self.cells.next().ok_or_else(|| self.damaged("a column is missing"))
    }

    fn must<T>(&self, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.damaged("a value is missing"))
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Value::Int(v) => Ok(v),
            // A null without a declared type comes as whatever the engine calls it.
            Value::Text(None) | Value::Blob(None) => Ok(None),
            Value::Text(Some(_)) | Value::Blob(Some(_)) => Err(self.damaged("not a number")),
        }
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Value::Text(v) => Ok(v),
            Value::Int(None) | Value::Blob(None) => Ok(None),
            Value::Int(Some(_)) | Value::Blob(Some(_)) => Err(self.damaged("not a text")),
        }
    }

    pub(crate) fn opt_blob(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.next()? {
            Value::Blob(v) => Ok(v),
            Value::Int(None) | Value::Text(None) => Ok(None),
            Value::Int(Some(_)) | Value::Text(Some(_)) => Err(self.damaged("not bytes")),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        let value = self.opt_int()?;
        self.must(value)
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let value = self.opt_text()?;
        self.must(value)
    }

    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, StoreError> {
        let value = self.opt_blob()?;
        self.must(value)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    /// A number of any unsigned type that it fits.
    pub(crate) fn count<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.int()?).map_err(|_| self.damaged("a number is out of range"))
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_micros(self.int()?))
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(Timestamp::from_micros))
    }

    pub(crate) fn bytes(&mut self) -> Result<ByteCount, StoreError> {
        Ok(ByteCount(self.count()?))
    }

    pub(crate) fn opt_bytes(&mut self) -> Result<Option<ByteCount>, StoreError> {
        match self.opt_int()? {
            None => Ok(None),
            Some(n) => u64::try_from(n)
                .map(|n| Some(ByteCount(n)))
                .map_err(|_| self.damaged("a number of bytes is negative")),
        }
    }

    pub(crate) fn address(&mut self) -> Result<std::net::Ipv4Addr, StoreError> {
        Ok(std::net::Ipv4Addr::from(self.count::<u32>()?))
    }

    pub(crate) fn name(&mut self) -> Result<ResourceName, StoreError> {
        let text = self.text()?;
        ResourceName::parse(&text).map_err(|_| self.damaged(format!("`{text}` is not a name")))
    }

    /// An id.
    pub(crate) fn id<T: TryFrom<String>>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        T::try_from(text).map_err(|_| self.damaged("not an id"))
    }

    pub(crate) fn opt_id<T: TryFrom<String>>(&mut self) -> Result<Option<T>, StoreError> {
        self.opt_text()?.map(T::try_from).transpose().map_err(|_| self.damaged("not an id"))
    }

    /// A word of an enum, read by its `parse`.
    pub(crate) fn word<T>(&mut self, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| self.damaged(format!("`{text}` is not known")))
    }

    /// Words joined by commas.
    pub(crate) fn words<T>(&mut self, parse: fn(&str) -> Option<T>) -> Result<Vec<T>, StoreError> {
        let text = self.text()?;
        text.split(',')
            .filter(|word| !word.is_empty())
            .map(|word| parse(word).ok_or_else(|| self.damaged(format!("`{word}` is not known"))))
            .collect()
    }
}

/// Words joined by commas.
pub(crate) fn joined<T: Copy>(words: &[T], spell: fn(T) -> &'static str) -> String {
    words.iter().map(|w| spell(*w)).collect::<Vec<_>>().join(",")
}
