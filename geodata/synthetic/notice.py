"""What lies beside the files, so that nobody takes them for the county."""

from geodata.synthetic.names import DivisionTable


def notice(
    table: DivisionTable, seed: int, rows: dict[str, int], *, real_outline: bool, real_names: bool
) -> str:
    """The text of ``NOTICE.txt``: what is made up and what is not, in both languages."""
    listed = "\n".join(f"  {name}: {count}" for name, count in rows.items())
    townships = len(table.townships)
    zh_line = "县界：取自所给文件" if real_outline else "县界：虚构，只是范围和面积相近"
    en_line = "outline: from the given file" if real_outline else "outline: made up"
    zh_names = "区划代码和名称：取自所给文件" if real_names else "村（社区）名称和代码：虚构"
    en_names = (
        "codes and names of divisions: from the given file"
        if real_names
        else "names and codes of villages: made up"
    )
    return f"""演示数据 / DEMO DATA - {table.name} {table.code}

本文件夹由程序按种子 {seed} 生成,供演示和测试,不得当作真实数据使用。
- {zh_line}
- {zh_names};{townships} 个乡镇(街道)的名称和代码为真实
- 乡镇、村、网格、末端单元的边界:虚构,与真实边界无关
- 人员、姓名(标有“演示”)、电话(000 开头,不存在)、住址、装备:虚构
- 道路、案件(种类、数量、地点、文字):虚构,不反映任何真实村(社区)的治安和民情

Made by a program from seed {seed}, for demonstration and tests; not data about the county.
- {en_line}
- {en_names}; the names and codes of the {townships} townships are real
- shapes of townships, villages, grids and end units: made up
- people, names (marked 演示), telephone numbers (000..., which do not exist), homes, equipment:
  made up
- roads and incidents (kinds, numbers, places, words): made up; they say nothing about any real
  village

Coordinates: CGCS2000 (EPSG:4490) longitude, latitude; vertices on a grid of 1e-9 degree.
Grids are numbered west to east, then north to south inside the village: in rows as high as the
side of the village's mean grid, from the northernmost; units the same way inside the grid.
incidents.parquet has its dirt on purpose: 8 % second reports (duplicate_of), 3 % false alarms,
10 % with an address only, 5 % in GCJ-02 under the datum "unknown".

Rows:
{listed}
"""
