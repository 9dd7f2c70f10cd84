"""What a region offers: regions, zones, operating systems, profiles."""

from ibm_vpc.vpc_v1 import InstanceProfilesPager, OperatingSystemsPager, VolumeProfilesPager

from harness import case, refused, same, true, whole


@case
def regions_and_zones(region):
    """One region, three zones."""
    listed = region.vpc.list_regions().get_result()
    whole("RegionCollection", listed)
    one = region.vpc.get_region(region.name).get_result()
    whole("Region", one)
    same(listed["regions"], [one])
    zones = region.vpc.list_region_zones(region.name).get_result()
    whole("ZoneCollection", zones)
    same(len(zones["zones"]), 3)
    whole("Zone", region.vpc.get_region_zone(region.name, region.zone).get_result())
    refused(404, "not_found", region.vpc.get_region, "nowhere")


@case
def operating_systems(region):
    """Paginated by name."""
    systems = OperatingSystemsPager(client=region.vpc, limit=3).get_all()
    true(len(systems) > 3, "more than one page")
    for system in systems:
        whole("OperatingSystem", system)
    one = region.vpc.get_operating_system(systems[0]["name"]).get_result()
    same(one, systems[0])


@case
def volume_profiles(region):
    """Every field is a typed object."""
    profiles = VolumeProfilesPager(client=region.vpc, limit=2).get_all()
    for profile in profiles:
        whole("VolumeProfile", profile)
    same(region.vpc.get_volume_profile("custom").get_result()["family"], "custom")


@case
def instance_profiles(region):
    """Paginated since 2026-04-07, all at once before."""
    profiles = InstanceProfilesPager(client=region.vpc, limit=5).get_all()
    for profile in profiles:
        whole("InstanceProfile", profile)
    older = region.vpc_client(version="2026-04-06")
    listed = older.list_instance_profiles().get_result()
    true("limit" not in listed, "no page")
    same(len(listed["profiles"]), len(profiles))


@case
def an_available_public_image(region):
    """S7, S25: a stock image is listed as the provider's."""
    image = region.stock_image()
    whole("Image", image)
    same(image["visibility"], "public")
    true(image["remote"]["account"]["id"], "remote account")
