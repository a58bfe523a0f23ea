"""The seeded demo county (演示数据): a made-up county of the real size, as ordinary files."""

from geodata.synthetic.build import SynthReport, build
from geodata.synthetic.size import CountySize

__all__ = ["CountySize", "SynthReport", "build"]
