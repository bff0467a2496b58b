"""A site whose registry is edited by one command after the other, and what it should be before and after each.

Nothing here asks the product: names, secrets and groups are plain tables, and the hand-overs are written by hand.
"""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

CONFIG = "{root}/etc/gateway.toml"
GATEWAY = "street"  # its account at the local broker
PASSWORD = "of the gateway"
BINS, POSTS = 8, 5
_BEGIN = datetime(2026, 6, 1, 8, tzinfo=UTC)
_REMARKS = ("# the nodes of the market, by hand", "# not to be sent by mail")


class Does(Enum):
    KEY = "key"
    ACCOUNTS = "broker-files"
    IMPORT = "import"
    EXPORT = "export"
    RETIRE = "retire"


@dataclass(frozen=True)
class Node:
    name: str
    kind: str
    secret: str
    old: str | None = None
    made_at: datetime | None = None
    place: str | None = None


@dataclass(frozen=True)
class Site:
    nodes: Mapping[str, Node]  # by kid
    groups: Mapping[str, tuple[str, tuple[str, ...]]]  # secret, the lamps' kids

    def accounts(self) -> dict[str, str]:
        """Who has one at the local broker, with the secret from which its password follows."""
        return {kid: node.secret for kid, node in self.nodes.items() if node.kind == "lamppost"}


@dataclass(frozen=True)
class Step:
    """One command. `gone`: secrets that are nowhere any more; `remarks`: lines that were there and shall be."""

    does: Does
    words: tuple[str, ...]
    before: Site
    after: Site
    accounts_before: Mapping[str, str] | None = None  # as in the broker's files; None: there are none
    accounts_after: Mapping[str, str] | None = None
    handed: bytes | None = None
    name: str = ""
    gone: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def between(self) -> list[Site]:
        """What the registry may be while the command has not said that it is done."""
        if self.does is not Does.IMPORT:
            return [self.before, self.after]
        keyed = {
            kid: replace(node, secret=self.after.nodes[kid].secret, old=self.after.nodes[kid].old)
            for kid, node in self.before.nodes.items()
        }
        return [self.before, replace(self.before, nodes=keyed), self.after]  # new secrets, and the rest is old


@dataclass
class Town:
    """Thinks of commands; each knows what went before it."""

    seed: int = 1
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._made = 0
        self._accounts: dict[str, str] | None = None
        nodes = {f"c0ffee{n:02x}": Node(f"bin-{n}", "bin", self._secret()) for n in range(1, BINS + 1)}
        nodes |= {f"1a3b00{n:02x}": Node(f"post-{n}", "lamppost", self._secret()) for n in range(1, POSTS + 1)}
        posts = [kid for kid, node in nodes.items() if node.kind == "lamppost"]
        groups = {"lane": (self._secret(), tuple(posts[:3])), "quay": (self._secret(), tuple(posts[3:5]))}
        self.site = self.first = Site(nodes, groups)

    def _secret(self) -> str:
        self._made += 1
        return hashlib.sha256(f"{self.seed} {self._made}".encode()).hexdigest()

    def files(self) -> dict[str, str]:
        """What is in `etc` at first, as a person would have written it."""
        groups = [self._group(name, lamps) for name, (_, lamps) in self.first.groups.items()]
        tables = [f"{_remark(kid)}\n{self._table(kid, node)}" for kid, node in self.first.nodes.items()]
        secrets = [f'{kid} = "{node.secret}"\n' for kid, node in self.first.nodes.items()]
        masters = [f'{name} = "{secret}"\n' for name, (secret, _) in self.first.groups.items()]
        return {
            "gateway.toml": (
                '[site]\nname = "market"\nlatitude = 50.85\nlongitude = 4.35\ntimezone = "Europe/Brussels"\n'
                '[[bridge]]\nport = "/dev/null"\n[mqtt]\nhost = "127.0.0.1"\ntls = false\n'
                f'[local_broker]\nusername = "{GATEWAY}"\npassword_file = "own"\naccounts = "broker"\n'
            ),
            "own": PASSWORD + "\n",
            "nodes.toml": f"{_REMARKS[0]}\n\n" + "\n".join([*tables, *groups]),
            "secrets.toml": f"{_REMARKS[1]}\n[secrets]\n{''.join(secrets)}\n[groups]\n{''.join(masters)}",
        }

    @staticmethod
    def _table(kid: str, node: Node) -> str:
        return f'[[node]]\nkid = "{kid}" # label of {kid}\nname = "{node.name}"\nkind = "{node.kind}"\n'

    def _group(self, name: str, lamps: tuple[str, ...]) -> str:
        table = [f'{{ node = "{self.first.nodes[kid].name}", metres = {25 * at} }}' for at, kid in enumerate(lamps)]
        return f'[[group]]\nname = "{name}"\nlamps = [{", ".join(table)}]\n'

    # The commands.

    def all(self, more: int = 0) -> list[Step]:
        """Each sort of edit once, and `more` of them at random."""
        self._say(Does.KEY, "registry", "key")
        self._accounts_anew()
        self._newcomers(bins=2, posts=2)
        self._rotation("c0ffee03", "1a3b0001")
        self._accounts_anew()
        self._export("c0ffee05")
        self._retire("c0ffee05")
        self._retire("1a3b0002")  # one lamp of three
        self._retire("1a3b0004")  # one of two: the group ends
        self._accounts_anew()
        for _ in range(more):
            self._something()
        return self.steps

    def few(self) -> list[Step]:
        self._say(Does.KEY, "registry", "key")
        self._newcomers(bins=2, posts=2)
        self._retire("1a3b0004")
        return self.steps

    def _something(self) -> None:
        kids = list(self.site.nodes)
        match self._chance.randrange(7):
            case 0 | 1:
                self._newcomers(bins=self._chance.randrange(1, 4), posts=self._chance.choice((0, 0, 2, 3)))
            case 2 | 3:
                self._rotation(*self._chance.sample(kids, self._chance.randrange(1, 4)))
            case 4 | 5:
                self._retire(self._chance.choice(kids))
            case 6:
                self._accounts_anew()

    def _say(self, does: Does, *words: str, after: Site | None = None, **more: Any) -> None:
        gone_from, self.site = self.site, after or self.site
        kept = [kid for kid in self.first.nodes if kid in gone_from.nodes and kid in self.site.nodes]
        remarks = (*_REMARKS, *(remark for kid in kept for remark in (_remark(kid), f"# label of {kid}")))
        told: dict[str, Any] = {"accounts_before": self._accounts, "accounts_after": self._accounts} | more
        step = Step(does, (*words, "--config", CONFIG), gone_from, self.site, remarks=remarks, **told)
        self._accounts = told["accounts_after"]
        self.steps.append(step)

    def _accounts_anew(self) -> None:
        anew = self.site.accounts()
        self._say(Does.ACCOUNTS, "broker-files", "--dir", "{root}/etc/broker", accounts_after=anew)

    def _import(self, nodes: Mapping[str, Node], groups: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
        after = Site({**self.site.nodes, **nodes}, {**self.site.groups, **groups})
        told = {
            "format": "stoep-handover",
            "version": 1,
            "written_at": _time(_BEGIN),
            "nodes": [_handed(kid, node) for kid, node in nodes.items()],
            "groups": [
                {
                    "name": name,
                    "secret": secret,
                    "lamps": [{"node": nodes[kid].name, "metres": 30 * at} for at, kid in enumerate(lamps)],
                }
                for name, (secret, lamps) in groups.items()
            ],
        }
        file = f"{{root}}/in/{len(self.steps)}.age"
        self._say(Does.IMPORT, "registry", "import", file, after=after, handed=json.dumps(told).encode())

    def _newcomers(self, *, bins: int, posts: int) -> None:
        """And one who has been known for long is commissioned anew."""
        number = 100 + 10 * len(self.steps)
        nodes = {f"{number + n:08x}": self._new(f"bin-{number + n}", "bin") for n in range(bins)}
        lamps = {f"{number + 5 + n:08x}": self._new(f"post-{number + n}", "lamppost") for n in range(posts)}
        kid, known = next((kid, node) for kid, node in self.site.nodes.items() if node.old is None)
        groups = {f"street-{number}": (self._secret(), tuple(lamps))} if lamps else {}
        self._import({**nodes, kid: self._again(known), **lamps}, groups)

    def _rotation(self, *kids: str) -> None:
        self._import({kid: self._again(self.site.nodes[kid]) for kid in kids}, {})

    def _new(self, name: str, kind: str) -> Node:
        return Node(name, kind, self._secret(), made_at=self._at(), place=f"by the {name}")

    def _again(self, known: Node) -> Node:
        return replace(known, secret=self._secret(), old=known.secret, made_at=self._at(), place=f"moved {self._made}")

    def _at(self) -> datetime:
        return _BEGIN + timedelta(minutes=self._made)

    def _export(self, kid: str) -> None:
        name = self.site.nodes[kid].name
        self._say(Does.EXPORT, "registry", "export", "{root}/out/moved.age", name, "--to", "{recipient}", name=kid)

    def _retire(self, kid: str) -> None:
        gone = self.site.nodes[kid]
        secrets = [gone.secret, *([] if gone.old is None else [gone.old])]
        groups = {}
        for name, (secret, lamps) in self.site.groups.items():
            left = tuple(lamp for lamp in lamps if lamp != kid)
            if left == lamps or len(left) > 1:
                groups[name] = secret, left
            else:
                secrets.append(secret)
        after = Site({one: node for one, node in self.site.nodes.items() if one != kid}, groups)
        self._say(Does.RETIRE, "registry", "retire", gone.name, "--yes", after=after, gone=tuple(secrets), name=kid)


def _remark(kid: str) -> str:
    return f"# where {kid} stands"


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _handed(kid: str, node: Node) -> dict[str, Any]:
    assert node.made_at is not None
    about = {"name": node.name, "kind": node.kind, "secret": node.secret, "place": node.place}
    return {"kid": kid, **about, "made_at": _time(node.made_at)}
