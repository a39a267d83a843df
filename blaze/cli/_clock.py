"""The present time, which SOURCE_DATE_EPOCH sets for those who want the same output twice."""

import os
from typing import TYPE_CHECKING

from blaze.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

MAX_EPOCH_DIGITS = 11  # 12 would reach past the year 9999, the last that Python has


def source_date_epoch() -> int | None:
    """The seconds since 1970 UTC in SOURCE_DATE_EPOCH; None where it is unset or empty."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return None
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= MAX_EPOCH_DIGITS):
        raise UsageError("SOURCE_DATE_EPOCH is no number of seconds", where=epoch)
    return int(epoch)


def present() -> "datetime":
    """Now, in the system's zone; or the time that SOURCE_DATE_EPOCH sets, in UTC."""
    from datetime import UTC, datetime

    epoch = source_date_epoch()
    return datetime.now(UTC).astimezone() if epoch is None else datetime.fromtimestamp(epoch, UTC)
