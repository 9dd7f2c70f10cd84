"""Instance templates, instances made from them, and queued actions."""

from harness import case, refused, same, true


@case
def a_template_and_its_instance(region):
    """Made, read by IBM's own class, laid over, renamed, deleted."""
    vpc = region.vpc
    body = region.prototype(region.stock_image()["id"], name=region.fresh("tpl"))
    made = vpc.create_instance_template(body)
    same(made.get_status_code(), 201)
    template = made.get_result()
    for name in ("id", "crn", "href", "created_at", "resource_group"):
        true(template[name], name)
    same(template["image"], body["image"])
    same(vpc.get_instance_template(template["id"]).get_result(), template)
    refused(400, "validation_unique_failed", vpc.create_instance_template, body)
    listed = vpc.list_instance_templates().get_result()
    true(template["id"] in [seen["id"] for seen in listed["templates"]], "listed")
    name = region.fresh("vsi")
    wish = {
        "source_template": {"id": template["id"]},
        "name": name,
        "profile": {"name": "cx2-2x4"},
    }
    instance = vpc.create_instance(wish).get_result()
    same((instance["name"], instance["profile"]["name"]), (name, "cx2-2x4"))
    region.instance_until(instance["id"], "running")
    renamed = region.fresh("tpl")
    same(vpc.update_instance_template(template["id"], {"name": renamed}).get_result()["name"], renamed)
    same(vpc.delete_instance_template(template["id"]).get_status_code(), 204)
    refused(404, "not_found", vpc.get_instance_template, template["id"])
    refused(400, "bad_field", vpc.create_instance, {**wish, "name": region.fresh("vsi")})
    region.delete_instance(instance["id"])


@case
def templates_name_what_is_there(region):
    """As instances do."""
    body = region.prototype("r006-00000000-0000-4000-8000-000000000000", name=region.fresh("tpl"))
    error = refused(400, "bad_field", region.vpc.create_instance_template, body)
    same(error["target"]["name"], "image")


@case
def actions_are_taken_in_turn(region):
    """A stop right behind a start waits for it; both are done in the end."""
    instance = region.stopped()[0]["id"]
    act = lambda kind, **more: region.vpc.create_instance_action(instance, kind, **more)  # noqa: E731
    same(act("start").get_status_code(), 201)
    same(act("stop").get_status_code(), 201)
    region.instance_until(instance, "stopped")
    same(act("start").get_status_code(), 201)
    region.instance_until(instance, "running")
    same(act("stop", force=True).get_result()["force"], True)
    region.instance_until(instance, "stopped")
    same(act("stop", force=True).get_status_code(), 201)
    region.delete_instance(instance)


@case
def a_stopped_instance_begins_anew(region):
    """Another boot volume and attachment; the old volume is gone, the guest runs."""
    instance, old = region.stopped()
    image = {"image": {"id": region.stock_image()["id"]}}
    again = region.vpc.create_instance_reinitialization
    same(again(instance["id"], image).get_status_code(), 202)
    seen = region.instance_until(instance["id"], "running")
    true(seen["boot_volume_attachment"]["id"] != instance["boot_volume_attachment"]["id"], "id")
    region.gone(lambda: region.vpc.get_volume(old), "volume")
    refused(409, "invalid_state", again, instance["id"], image)
    region.stop(instance["id"])
    wrong = {"image": {"id": "r006-00000000-0000-4000-8000-000000000000"}}
    refused(400, "bad_field", again, instance["id"], wrong)
    region.delete_instance(instance["id"])
