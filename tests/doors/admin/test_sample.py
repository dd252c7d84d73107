"""The customer who is made up for the admin's preview has what the storefront says of a real one."""

import msgspec

from regulars.app.storefront.panel import Shown
from regulars.app.storefront.widgets import Widget
from regulars.domain.program import JoinRule, PurchaseRule
from regulars.domain.rewards import Reward, RewardKind, Stock
from regulars.doors.admin.sample import sample
from tests import make


def shown(*rewards: Reward) -> list[Shown]:
    return [Shown(reward=one, stock=Stock(reward_id=one.id, codes_free=5)) for one in rewards]
