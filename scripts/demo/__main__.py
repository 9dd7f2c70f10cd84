"""The command line of the demo; ./demo calls it once a region runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ibm_cloud_sdk_core import ApiException
from requests import RequestException

from .ledger import Ledger
from .region import Region
from .story import Story
from .waits import Failure


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--ectype", type=Path, required=True, help="the program")
    parser.add_argument("--data", type=Path, required=True, help="data directory of the region")
    parser.add_argument("--work", type=Path, required=True, help="folder for keys and timings")
    parser.add_argument("--mib", type=int, required=True, help="MiB that the guest writes")
    parser.add_argument("--keep", action="store_true", help="leave image and guest in place")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    ledger = Ledger(asked.work / "steps")
    try:
        region = Region(asked.ectype, asked.data)
        story = Story(region, ledger, asked.work, asked.mib)
        story.tell(keep=asked.keep)
    except Failure as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return 1
    except ApiException as error:
        body = error.http_response.text if error.http_response is not None else error.message
        print(f"\ndemo: the region answered {error.status_code}: {body}", file=sys.stderr)
        return 1
    except RequestException as error:
        print(f"\ndemo: the region does not answer: {error}", file=sys.stderr)
        return 1
    finally:
        ledger.print_table()
    return 0


sys.exit(main())
