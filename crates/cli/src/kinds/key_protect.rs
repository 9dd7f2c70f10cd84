//! Root keys, and the rings that they are in.

use super::{Column, Kind, Row, See, Service};

pub(crate) static ROOT_KEY: Kind = Kind::new("key", "keys", "/api/v2/keys", "resources")
    .at(Service::Keys)
    .seen(&[
        Column("Key ID", See::At("/id")),
        Column("Key Name", See::At("/name")),
        Column("State", See::At("/state")),
        Column("Key Ring", See::At("/keyRingID")),
        Column("Extractable", See::At("/extractable")),
        Column("CRN", See::At("/crn")),
    ])
    .told(&[
        Row::Value("Key ID", See::At("/id")),
        Row::Value("Key Name", See::At("/name")),
        Row::Value("Description", See::At("/description")),
        Row::Value("State", See::At("/state")),
        Row::Value("Key Ring", See::At("/keyRingID")),
        Row::Value("Extractable", See::At("/extractable")),
        Row::Value("Key Version", See::At("/keyVersion/id")),
        Row::Value("Created", See::At("/creationDate")),
        Row::Value("Last updated", See::At("/lastUpdateDate")),
        Row::Value("Last rotated", See::At("/lastRotateDate")),
        Row::Value("CRN", See::At("/crn")),
    ]);

pub(crate) static KEY_RING: Kind =
    Kind::new("key ring", "key rings", "/api/v2/key_rings", "resources").at(Service::Keys).seen(&[
        Column("Key Ring ID", See::At("/id")),
        Column("Creation Date", See::At("/creationDate")),
    ]);
