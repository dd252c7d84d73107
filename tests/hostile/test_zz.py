import time, os
from tests.hostile.exploring import *
import pytest
@pytest.mark.parametrize("name", ["loyaltylion","lootly"])
def test_x(database, tmp_path, name):
    with serving(database, tmp_path) as served:
        t=time.time()
        found = explore(name, served, examples=int(os.environ.get("EX","10")), seconds=60, seed=1, most=60)
        print(name, time.time()-t, len(found), found[-1])
        for f in found[:60]: print("  *", f[:700].replace("\n"," | "))
