"""The engine against the model: many clients at once on a real database, and every balance exact after all."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from regulars.app.house import House
from regulars.app.programs import change_rules, create_program
from regulars.domain.book import Bucket, Movement
from regulars.domain.commands import Command, Identity, Settle
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Refused
from regulars.storage.balances import balance_of
