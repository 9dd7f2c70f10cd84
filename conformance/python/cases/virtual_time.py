"""B9: region time is moved. Last of all cases: it goes forward only."""

from datetime import datetime, timedelta

from harness import case, refused, same, true


@case
def a_schedule_of_thirty_days_fires_now(region):
    """B9, S22: deprecated and obsolete by date, obsolete at once, and back; tokens do not age."""
    image, instance = region.image()
    frozen = region.operator("clock", "freeze")
    true(frozen["frozen"] and frozen["virtual"], "frozen")
    now = datetime.fromisoformat(frozen["region_time"].replace("Z", "+00:00"))

    def day(number):
        return (now + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")

    dates = {"deprecation_at": day(30), "obsolescence_at": day(60)}
    region.vpc.update_image(image["id"], dates)
    moved = region.operator("clock", "next")
    same((moved["region_time"], moved["next_due_at"]), (day(30), day(60)))
    same(region.vpc.get_image(image["id"]).get_result()["status"], "deprecated")
    bad = "image_lifecycle_date_invalid"
    error = refused(400, bad, region.vpc.update_image, image["id"], {"deprecation_at": day(45)})
    true("has passed" in error["message"], error["message"])
    region.operator("clock", "advance", "31d")
    same(region.vpc.get_image(image["id"]).get_result()["status"], "obsolete")
    refused(
        409, "image_not_provisionable", region.vpc.create_instance, region.prototype(image["id"])
    )
    back = region.vpc.update_image(image["id"], {"obsolescence_at": None}).get_result()
    same(back["status"], "deprecated", "its deprecation has passed")
    both = {"deprecation_at": None, "obsolescence_at": None}
    same(region.vpc.update_image(image["id"], both).get_result()["status"], "available")
    resumed = region.operator("clock", "resume")
    true(resumed["region_time"] > resumed["wall_time"], "it goes on from there")
    region.delete_instance(instance["id"])
    region.vpc.delete_image(image["id"])
