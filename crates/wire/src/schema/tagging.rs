//! Tags, and search.

use model::{SEARCH_LIMIT_MAX, TagKind};

use super::{
    Schema, Shapes,
    build::{
        Field, any_of, anything, count, flag, has, just, list, may, number, object, text,
        text_up_to, to, word,
    },
    operation::{Described, read},
};
use crate::request::{
    CRN_BYTES_MAX, CURSOR_BYTES_MAX, SEARCH_FIELDS_MAX, SEARCH_LIMIT_DEFAULT, TAG_LIST_LIMIT_MAX,
    TAG_NAMES_MAX, TAGGED_RESOURCES_MAX,
};

pub(super) fn operations() -> Vec<Described> {
    let of = |described: Described| {
        described
            .by("account_id", text().about("Needed for service tags."))
            .by("tag_type", word(TagKind::ALL.iter().map(|k| k.as_str())))
    };
    vec![
        of(read("list_tags", to("TagList")))
            .by("attached_only", flag())
            .by("attached_to", text_up_to(CRN_BYTES_MAX))
            .by("full_data", flag())
            .by("limit", number(1_u64, TAG_LIST_LIMIT_MAX))
            .by("offset", number(0_u64, i32::MAX.cast_unsigned()))
            .by("order_by_name", word(["asc", "desc"]))
            .by("providers", list(word(["ghost", "ims"])).at_least(1))
            .by("timeout", count()),
        read("create_tag", to("CreateTagResults"))
            .takes(to("CreateTagRequest"))
            .by("account_id", text())
            .by("tag_type", word(["access"])),
        of(read("delete_tag_all", to("DeleteTagsResult"))),
        of(read("delete_tag", to("DeleteTagResults"))),
        of(read("attach_tag", to("TagResults")))
            .takes(to("AttachTagRequest"))
            .by("replace", flag())
            .by("update", flag()),
        of(read("detach_tag", to("TagResults"))).takes(to("DetachTagRequest")),
        search(),
    ]
}

fn search() -> Described {
    let no = || word(["false", "any"]);
    read("search", to("ScanResult"))
        .takes(to("SearchRequest"))
        .or_nothing()
        .by("account_id", text())
        .by("limit", number(1_u64, SEARCH_LIMIT_MAX).usually(SEARCH_LIMIT_DEFAULT))
        .by("is_deleted", no())
        .by("is_reclaimed", no())
        .by("can_tag", no())
        .by("is_project_resource", no())
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add("Tag", object([has("name", text())]));
    into.add(
        "TagList",
        object([
            has("items", list(to("Tag"))),
            has("limit", count()),
            has("offset", count()),
            has("total_count", count()),
        ]),
    );
    let failed = || [has("is_error", flag()), may("message", text())];
    for (component, item, fields) in [
        ("TagResults", "TagResultsItem", vec![has("resource_id", text())]),
        ("DeleteTagResults", "DeleteTagResultsItem", vec![has("provider", just("ghost"))]),
    ] {
        into.add(item, object(fields).and(failed()));
        into.add(component, object([has("results", list(to(item)))]));
    }
    into.add("CreateTagResultsItem", object([has("is_error", flag()), has("tag_name", text())]));
    into.add("CreateTagResults", object([has("results", list(to("CreateTagResultsItem")))]));
    into.add(
        "DeleteTagsResult",
        object([
            has("errors", flag()),
            has("items", list(to("CreateTagResultsItem"))),
            has("total_count", count()),
        ]),
    );
    requests(into);
    searches(into);
}

fn tag(example: &str) -> Schema {
    text_up_to(model::TAG_LEN_MAX).like(example)
}

fn requests(into: &mut Shapes) {
    let names = |tag: Schema| list(tag).at_least(1).at_most(TAG_NAMES_MAX);
    into.add("CreateTagRequest", object([has("tag_names", names(tag("env:dev")))]));
    into.add("TaggedResource", object([has("resource_id", text_up_to(CRN_BYTES_MAX))]));
    let query = || object([has("query_string", query("type:volume"))]);
    let tags = || -> [Vec<Field>; 2] {
        [vec![has("tag_name", tag("env:dev"))], vec![has("tag_names", names(tag("env:dev")))]]
    };
    let each = |attach: bool| {
        let resources = list(to("TaggedResource")).at_least(1).at_most(TAGGED_RESOURCES_MAX);
        let on = [has("resources", resources), has("query", query())];
        let verb = if attach { "Attach" } else { "Detach" };
        let titles = ["Tag", "Tags"];
        let pairs = on.into_iter().flat_map(move |on| {
            tags().into_iter().zip(titles).map(move |(tags, title)| {
                object(tags).and([on.clone()]).titled(&format!("{verb}{title}"))
            })
        });
        any_of(pairs)
    };
    into.add("AttachTagRequest", each(true));
    into.add("DetachTagRequest", each(false));
}

fn query(example: &str) -> Schema {
    text_up_to(model::QUERY_BYTES_MAX).like(example)
}

fn searches(into: &mut Shapes) {
    into.add(
        "SearchRequest",
        any_of([
            object([
                may("query", query("name:my-* AND type:image")),
                may("fields", list(text().like("crn")).at_most(SEARCH_FIELDS_MAX)),
            ])
            .titled("SearchRequestFirstCall"),
            object([has("search_cursor", text_up_to(CURSOR_BYTES_MAX).like(CURSOR))])
                .titled("SearchRequestNextCall"),
        ]),
    );
    let tags = || list(text());
    into.add(
        "ResultItem",
        anything().and([
            has("crn", text()),
            has("tags", tags()),
            has("access_tags", tags()),
            has("service_tags", tags()),
        ]),
    );
    into.add(
        "ScanResult",
        object([
            has("items", list(to("ResultItem"))),
            has("limit", count()),
            may("search_cursor", text()),
        ]),
    );
}

/// A cursor as a search gives it.
const CURSOR: &str = "eyJxIjoiIiwiZiI6bnVsbCwiYXQiOjEsImlkIjoieCJ9";
