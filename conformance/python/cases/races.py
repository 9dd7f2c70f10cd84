"""What two callers do at once: the second one is refused by name, and nothing is lost."""

from concurrent.futures import ThreadPoolExecutor

from ibm_cloud_sdk_core import ApiException

from harness import case, true

# A window is a few milliseconds long; it is looked for so often.
ATTEMPTS = 40


def at_once(*calls):
    """Each call in a thread of its own: its status, and the code of its refusal or its result."""

    def answer(call):
        try:
            seen = call()
            return seen.get_status_code(), seen.get_result()
        except ApiException as error:
            return error.status_code, error.http_response.json()["errors"][0]["code"]

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(answer, calls))


@case
def two_images_of_one_volume(region):
    """One is made at a time; the volume is busy for the other."""
    instance, volume = region.stopped()
    clients = [region.vpc_client() for _ in range(4)]
    create = lambda client: lambda: client.create_image({"source_volume": {"id": volume}})  # noqa: E731
    busy = (409, "image_source_volume_busy")
    for _ in range(ATTEMPTS):
        seen = at_once(*map(create, clients))
        made = [image["id"] for status, image in seen if status == 201]
        true(made, f"one of them is made: {seen}")
        for image in made:
            region.image_until(image, "available")
            region.vpc.delete_image(image)
        if busy in seen:
            break
    true(busy in seen, f"the volume was never busy: {seen}")
    region.delete_instance(instance["id"])


@case
def an_instance_that_is_being_deleted(region):
    """It is not deleted again, no volume comes to it, and no image is made of its volume."""
    clients = [region.vpc_client() for _ in range(3)]
    data = {"profile": {"name": "general-purpose"}, "capacity": 10}
    wanted = {
        (409, "instance_delete_conflict"),
        (409, "volume_action_invalid_request"),
        (409, "image_source_instance_not_available"),
    }
    met = set()
    for _ in range(ATTEMPTS):
        instance, volume = region.stopped()
        same_one = instance["id"]
        region.vpc.delete_instance(same_one)
        seen = at_once(
            lambda: clients[0].delete_instance(same_one),
            lambda: clients[1].create_instance_volume_attachment(
                same_one, data, delete_volume_on_instance_delete=True
            ),
            lambda: clients[2].create_image({"source_volume": {"id": volume}}),
        )
        true(all(status >= 400 for status, _ in seen), f"nothing is done to it: {seen}")
        met |= {answer for answer in seen if answer in wanted}
        region.gone(lambda: region.vpc.get_instance(same_one), "instance")
        if met == wanted:
            break
    true(met == wanted, f"never met: {wanted - met}")
