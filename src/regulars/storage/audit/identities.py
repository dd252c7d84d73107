"""V13, V14: amounts and currencies in range, and one row for each thing that has an identity."""

from typing import Final

from regulars.domain.book import MAX_POINTS
from regulars.domain.money import EXPONENTS, MAX_UNITS
from regulars.domain.rewards import MAX_AMOUNT
from regulars.storage.audit.checks import Check

_LIMITS = "unnest($2::text[], $3::bigint[]) as money (currency, most)"
_CURRENCIES: Final = (list(EXPONENTS), [MAX_UNITS * 10**digits for digits in EXPONENTS.values()])

_ORDERS = f"""
    select format('order %s', o.order_id) as subject,
           format('total %s, goods %s, shipping %s, tax %s, discounts %s, earn %s, paid %s, refunded %s %s',
               total_minor, goods_minor, shipping_minor, tax_minor, discounts_minor, rewardable_minor,
               paid_minor, refunded_minor, o.currency) as saw,
           case when money.most is null then 'a currency of ISO 4217'
                else format('amounts from 0 to %s, none paid beyond the total', money.most) end as expected
      from orders o left join {_LIMITS} on money.currency = o.currency
     where o.program_id = $1
       and (money.most is null
         or least(total_minor, goods_minor, shipping_minor, tax_minor, discounts_minor, rewardable_minor,
                paid_minor, refunded_minor) < 0
         or greatest(total_minor, goods_minor, shipping_minor, tax_minor, discounts_minor) > money.most
         or paid_minor > total_minor)
"""

_REFUNDS = f"""
    select format('refund %s', r.refund_id) as subject, format('%s %s', r.amount_minor, r.currency) as saw,
           format('from 0 to %s %s, as its order %s', coalesce(money.most, 0), coalesce(o.currency, '?'),
               r.order_id) as expected
      from refunds r
      left join orders o on o.program_id = $1 and o.order_id = r.order_id
      left join {_LIMITS} on money.currency = o.currency
     where r.program_id = $1
       and (r.currency is distinct from o.currency or r.amount_minor not between 0 and money.most)
    union all
    select format('payment of decision %s', p.decision_id),
           format('%s %s', p.amount_minor, coalesce(o.currency, '?')), format('from 1 to %s', money.most)
      from payments p
      left join orders o on o.program_id = $1 and o.order_id = p.order_id
      left join {_LIMITS} on money.currency = o.currency
     where p.program_id = $1 and p.amount_minor not between 1 and money.most
    union all
    select format('early report %s', e.early_id), format('%s %s', e.amount_minor, coalesce(e.currency, '?')),
           'an amount in range with a currency, or neither'
      from early_reports e left join {_LIMITS} on money.currency = e.currency
     where e.program_id = $1
       and ((e.amount_minor is null) <> (e.currency is null)
         or (e.currency is not null and (money.most is null or e.amount_minor not between 0 and money.most)))
"""

_POINTS = f"""
    select format('customer %s', customer_id) as subject,
           format('pending %s, available %s', pending, available) as saw,
           'at most {MAX_POINTS} points' as expected
      from accounts
     where program_id = $1 and (pending not between 0 and {MAX_POINTS} or abs(available) > {MAX_POINTS})
"""


_CLAIMED = f"""
    select format('claim %s', c.claim_id) as subject,
           format('cost %s, worth %s, shipping up to %s, from %s on, %s', cost, coalesce(amount_minor, 0),
               coalesce(max_shipping_minor, 0), minimum_order_minor, c.currency) as saw,
           case when money.most is null then 'a currency of ISO 4217'
                else format('at most {MAX_POINTS} points and amounts up to %s', money.most) end as expected
      from claimed_rewards c left join {_LIMITS} on money.currency = c.currency
     where c.program_id = $1
       and (money.most is null
         or cost not between 0 and {MAX_POINTS}
         or least(amount_minor, max_shipping_minor, minimum_order_minor) < 0
         or greatest(max_shipping_minor, minimum_order_minor) > money.most
         or amount_minor > {MAX_AMOUNT})
"""


def _once(
    table: str, what: str, columns: tuple[str, ...], condition: str = "true", *, named_by: str = ""
) -> str:
    """The `columns`, which together are an identity, of which there is more than one row.

    A person's e-mail is not to stand in a report: `named_by` is the id that rows are named by instead.
    """
    named = f"string_agg({named_by}::text, ' and ')" if named_by else ", ' ', ".join(columns)
    return f"""
    select concat('{what} ', {named}) as subject, concat(count(*), ' of them') as saw, 'one' as expected
      from {table} where program_id = $1 and {condition} group by {", ".join(columns)} having count(*) > 1
    """


_TWO_ANSWERS = """
    select format('identity %s %s', scope, key) as subject, 'a decision and a refusal' as saw,
           'at most one of the two' as expected
      from identities where program_id = $1 and decision_id is not null and refusal is not null
"""

_ACTIVITY_IDS = """
    (select program_id, activity_id from activities
     union all select program_id, activity_id from orders where activity_id is not null) as both_kinds
"""

CHECKS: Final = (
    Check("V13", _ORDERS, _CURRENCIES),
    Check("V13", _REFUNDS, _CURRENCIES),
    Check("V13", _POINTS),
    Check("V13", _CLAIMED, _CURRENCIES),
    Check("V14", _once("orders", "order of site", ("site_id", "merchant_id"))),
    Check("V14", _once("refunds", "refund of order", ("order_id", "reference"), "reference is not null")),
    Check("V14", _once("activities", "activity", ("name", "merchant_id"), "merchant_id is not null")),
    Check("V14", _once(_ACTIVITY_IDS, "activity", ("activity_id",))),
    Check(
        "V14",
        _once("customers", "customers", ("merchant_id",), "merchant_id is not null", named_by="customer_id"),
    ),
    Check("V14", _once("customers", "guests", ("email_key",), "merchant_id is null", named_by="customer_id")),
    Check("V14", _once("identities", "identity", ("scope", "key"))),
    Check("V14", _once("identities", "identities of decision", ("decision_id",), "decision_id is not null")),
    Check("V14", _TWO_ANSWERS),
    Check("V14", _once("claimed_rewards", "claims of decision", ("decision_id",))),
)
