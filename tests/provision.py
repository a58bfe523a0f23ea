"""Install what the tests need beside Python: ``python -m tests.provision``, run by ``make test``.

Installs with apt where something is missing and root is at hand. What stays missing is named with
the reason; that fails the run only where ``CI=true``.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import postgres
from tests.browser import CHROMIUM

APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")


@dataclass(frozen=True)
class Need:
    """One thing the tests use: how to see that it is there, and the Debian package that has it."""

    name: str
    package: str
    present: Callable[[], bool]


def _has_chinese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
    return bool(fonts.stdout.strip())


def _has_libatomic() -> bool:
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        return False
    return True


NEEDS = (
    Need("PostgreSQL with PostGIS", "postgresql-15-postgis-3", lambda: postgres.why_not() is None),
    Need("Chromium", "chromium", Path(CHROMIUM).exists),
    Need("libatomic, which the driver of Chromium loads", "libatomic1", _has_libatomic),
    Need("a Chinese font", "fonts-noto-cjk", _has_chinese_font),
    Need("openssl", "openssl", lambda: shutil.which("openssl") is not None),
    Need("nginx", "nginx-light", lambda: Path("/usr/sbin/nginx").exists()),
    Need("systemd-analyze", "systemd", lambda: shutil.which("systemd-analyze") is not None),
    Need("curl", "curl", lambda: shutil.which("curl") is not None),
)


def missing() -> list[Need]:
    """The needs that this machine does not meet."""
    return [need for need in NEEDS if not need.present()]


def _why_not_apt() -> str | None:
    if shutil.which("apt-get") is None:
        return "there is no apt-get here"
    if os.geteuid() != 0:
        return "only root may install packages"
    return None


def _apt(*arguments: str) -> str | None:
    """Run apt-get; None where it worked, else its last words."""
    done = subprocess.run(
        [*APT, *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[-1] if said else f"apt-get ended with {done.returncode}"


def install(needs: list[Need]) -> str | None:
    """Install the packages of ``needs``; None where it worked, else the reason why not."""
    if reason := _why_not_apt():
        return reason
    packages = [need.package for need in needs]
    print("apt-get install", *packages, flush=True)
    # A failed update is no failure yet: the lists that are there may be good enough.
    _apt("-q", "update")
    return _apt("-q", "-y", "--no-install-recommends", "install", *packages)


def main() -> int:
    """Provide what can be provided, name what cannot; the exit code."""
    needs = missing()
    if not needs:
        return 0
    reason = install(needs)
    left = missing()
    for need in left:
        print(
            f"{need.name} is missing ({reason or 'apt-get installed it in vain'}); "
            f"its tests cannot run. As root: apt-get install {need.package}",
            file=sys.stderr,
            flush=True,
        )
    return 1 if left and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
