"""Where a request goes, and why: the most specific rule wins, and no name reaches a provider that was not meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from proxy.contract import Override, Route, Slot
from proxy.protocol.routing import (
    Asked,
    Decision,
    Member,
    NoTarget,
    Target,
    apply_use,
    chain_after,
    decide,
    parse_target,
)


@dataclass(frozen=True)
class Lists:
    models: dict[str, list[str]] = field(default_factory=dict)
    sets: dict[str, list[Member]] = field(default_factory=dict)
    background: dict[str, str] = field(default_factory=dict)
    cheap: dict[str, str] = field(default_factory=dict)

    def provider_names(self) -> Sequence[str]:
        return list(self.models)

    def model_ids(self, provider: str) -> Sequence[str]:
        return self.models[provider]

    def groups(self) -> Mapping[str, Sequence[Member]]:
        return self.sets

    def simulated(self, provider: str) -> bool:
        return provider == "simulator"

    def background_model(self, provider: str) -> str | None:
        return self.background.get(provider)

    def cheapest(self, provider: str) -> str | None:
        return self.cheap.get(provider)


CATALOG = Lists(
    {
        "anthropic": ["claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5-20251001"],
        "openrouter": ["anthropic/claude-opus-4.8", "openai/gpt-5", "openai/gpt-5-mini", "deepseek/deepseek-r1:free"],
        "team": ["claude-opus-4-8"],
        "ollama": ["llama3.1:8b"],
        "bare": [],
    }
)
OPUS = Asked("claude-opus-4-8", session="s1")


def route(
    *overrides: Override, default: str = "anthropic", chain: tuple[str, ...] = (), fallback: bool = True
) -> Route:
    return Route(default=default, overrides=overrides, fallback_enabled=fallback, chain=chain)


def override(target: str, session: str | None = None, slot: Slot | None = None) -> Override:
    provider, _, model = target.partition("/")
    return Override(provider=provider, model=model or None, session=session, slot=slot)


class TestPrecedence:
    RULES = (
        override("ollama/session-and-slot", session="s1", slot="opus"),
        override("ollama/session", session="s1"),
        override("ollama/slot", slot="opus"),
        override("ollama/all"),
    )

    @pytest.mark.parametrize("first", range(4))
    def test_the_most_specific_rule_wins_in_any_order(self, first: int) -> None:
        rules = self.RULES[first:]
        for order in (rules, rules[::-1]):
            decision = decide(route(*order), OPUS, CATALOG)
            assert decision.target == Target("ollama", rules[0].model or "")

    def test_sub_agents_come_before_the_family_that_they_ask_for(self) -> None:
        asked = Asked("claude-opus-4-8", session="s1", agent="a1")
        decision = decide(route(override("team", slot="opus"), override("openrouter", slot="subagent")), asked, CATALOG)
        assert decision.target == Target("openrouter", "anthropic/claude-opus-4.8")

    def test_a_rule_for_sub_agents_leaves_the_conversation_alone(self) -> None:
        assert decide(route(override("team", slot="subagent")), OPUS, CATALOG).target.provider == "anthropic"

    def test_a_rule_for_another_session_is_not_ours(self) -> None:
        rules = route(override("team", session="s2"))
        assert decide(rules, OPUS, CATALOG).target.provider == "anthropic"
        assert decide(rules, Asked("claude-opus-4-8"), CATALOG).target.provider == "anthropic"

    def test_a_rule_for_another_family_is_not_ours(self) -> None:
        assert decide(route(override("team", slot="haiku")), OPUS, CATALOG).target.provider == "anthropic"

    def test_a_rule_whose_provider_is_gone_is_passed_over(self) -> None:
        rules = route(override("gone/x", session="s1"), override("team"))
        assert decide(rules, OPUS, CATALOG).target == Target("team", "claude-opus-4-8")

    def test_an_id_from_the_client_s_picker_names_its_target(self) -> None:
        asked = Asked("anthropic/openrouter/openai/gpt-5")
        assert decide(route(), asked, CATALOG).target == Target("openrouter", "openai/gpt-5")

    def test_a_rule_of_the_user_beats_the_client_s_picker(self) -> None:
        asked = Asked("anthropic/openrouter/openai/gpt-5")
        assert decide(route(override("ollama/llama3.1:8b")), asked, CATALOG).target.provider == "ollama"

    def test_the_reason_names_scope_and_target(self) -> None:
        assert decide(route(*self.RULES), OPUS, CATALOG).why == "opus of this session set to ollama/session-and-slot"
        assert decide(route(override("team")), OPUS, CATALOG).why == "all traffic set to team"
        assert decide(route(), OPUS, CATALOG).why == "as asked"
        assert (
            decide(route(default="openrouter/openai/gpt-5"), OPUS, CATALOG).why
            == "default target openrouter/openai/gpt-5"
        )


class TestModels:
    def test_a_provider_alone_gets_its_own_name_for_the_model(self) -> None:
        assert decide(route(override("openrouter")), OPUS, CATALOG).target.model == "anthropic/claude-opus-4.8"

    def test_a_provider_without_a_list_gets_the_name_as_asked_without_the_window(self) -> None:
        asked = Asked("claude-opus-4-8[1m]")
        assert decide(route(override("bare")), asked, CATALOG).target == Target("bare", "claude-opus-4-8")

    def test_the_window_suffix_never_goes_upstream_as_part_of_a_name(self) -> None:
        assert decide(route(), Asked("claude-opus-4-8[1m]"), CATALOG).target.model == "claude-opus-4-8"
        assert decide(route(), Asked("claude-unheard-of[1m]"), CATALOG).target.model == "claude-unheard-of"
        assert decide(route(default="bare/some-model[1m]"), OPUS, CATALOG).target.model == "some-model"
        assert parse_target("bare/some-model[1m]", CATALOG).model == "some-model"

    def test_a_background_model_that_no_provider_has_gets_a_stand_in(self) -> None:
        asked = Asked("claude-haiku-4-5-20251001")
        assert decide(route(override("team")), asked, CATALOG).target.model == "claude-opus-4-8"

    def test_a_model_that_a_chosen_provider_cannot_have_is_an_error_in_words(self) -> None:
        with pytest.raises(NoTarget, match=r"ollama lists no model for 'claude-opus-4-8'.*cctui use ollama/MODEL"):
            decide(route(override("ollama")), OPUS, CATALOG)

    def test_the_default_provider_itself_says_that_it_does_not_know_a_model(self) -> None:
        assert decide(route(), Asked("gpt-5"), CATALOG).target == Target("anthropic", "gpt-5")

    def test_gpt_5_is_not_gpt_5_mini(self) -> None:
        assert decide(route(default="openrouter"), Asked("gpt-5"), CATALOG).target.model == "openai/gpt-5"


class TestTargets:
    @pytest.mark.parametrize(
        ("text", "provider", "model"),
        [
            ("team", "team", None),
            (" team ", "team", None),
            ("team/claude-opus-4.8", "team", "claude-opus-4-8"),
            ("openrouter/anthropic/claude-opus-4-8", "openrouter", "anthropic/claude-opus-4.8"),
            ("openrouter/gpt-5", "openrouter", "openai/gpt-5"),
            ("openai/gpt-5", "openrouter", "openai/gpt-5"),
            ("gpt-5", "openrouter", "openai/gpt-5"),
            ("llama3.1:8b", "ollama", "llama3.1:8b"),
            ("deepseek/deepseek-r1:free", "openrouter", "deepseek/deepseek-r1:free"),
            ("bare/anything/at:all", "bare", "anything/at:all"),
            ("claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6"),
        ],
    )
    def test_a_target_is_found_by_what_the_user_types(self, text: str, provider: str, model: str | None) -> None:
        assert parse_target(text, CATALOG) == Override(provider=provider, model=model)

    @pytest.mark.parametrize(
        ("text", "default", "target"),
        [
            ("opus", "anthropic", ("anthropic", "claude-opus-4-8")),
            ("haiku", "", ("anthropic", "claude-haiku-4-5-20251001")),
            ("sonnet", "team", ("anthropic", "claude-sonnet-4-6")),
            ("openrouter/opus", "", ("openrouter", "anthropic/claude-opus-4.8")),
        ],
    )
    def test_a_tier_s_name_is_its_latest_model(self, text: str, default: str, target: tuple[str, str]) -> None:
        provider, model = target
        assert parse_target(text, CATALOG, default) == Override(provider=provider, model=model)

    @pytest.mark.parametrize("text", ["fable", "bare/opus"])
    def test_a_tier_that_nobody_lists_is_no_model(self, text: str) -> None:
        with pytest.raises(NoTarget, match=text):
            parse_target(text, CATALOG, "anthropic")

    def test_a_tier_that_several_providers_list_must_be_named_with_one(self) -> None:
        with pytest.raises(NoTarget, match="'opus' is offered by several providers; say which: anthropic/claude-opus"):
            parse_target("opus", CATALOG)

    def test_a_model_that_several_providers_offer_must_be_named_with_one(self) -> None:
        with pytest.raises(
            NoTarget, match=r"anthropic/claude-opus-4-8, openrouter/anthropic/claude-opus-4\.8, team/claude"
        ):
            parse_target("claude-opus-4-8", CATALOG)

    @pytest.mark.parametrize(
        "text", ["team/claude-sonnet-4-6", "ollama/claude-haiku-4-5", "gone/claude-sonnet-4-6", "gone/llama3.1:8b"]
    )
    def test_a_named_provider_is_never_exchanged_for_another(self, text: str) -> None:
        with pytest.raises(NoTarget):
            parse_target(text, CATALOG)

    @pytest.mark.parametrize(
        ("text", "hint"),
        [("openruter", "openrouter"), ("gpt5", "openrouter/openai/gpt-5"), ("ollama/llama3", "ollama/llama3.1:8b")],
    )
    def test_an_unknown_name_comes_with_a_suggestion(self, text: str, hint: str) -> None:
        with pytest.raises(NoTarget, match=f"no provider or model is called '{text}'. Did you mean .*{hint}"):
            parse_target(text, CATALOG)

    def test_an_unknown_model_of_a_provider_is_told_as_it_was_typed(self) -> None:
        with pytest.raises(NoTarget, match="called 'team/claude-opus-9'"):
            parse_target("team/claude-opus-9", CATALOG)

    def test_a_name_that_resembles_nothing_points_to_the_list(self) -> None:
        with pytest.raises(NoTarget, match="`cctui models` lists what there is"):
            parse_target("qqqqqqq", CATALOG)

    @pytest.mark.parametrize("text", ["", " ", "/", "team/", "/claude-opus-4-8", "//"])
    def test_half_a_target_is_refused(self, text: str) -> None:
        with pytest.raises(NoTarget):
            parse_target(text, CATALOG)


class TestUse:
    def test_a_rule_replaces_the_one_of_the_same_scope_and_no_other(self) -> None:
        before = route(override("ollama/x", session="s1"), override("ollama/y"))
        after = apply_use(before, "team", "s1", None, CATALOG)
        assert after.overrides == (override("ollama/y"), override("team", session="s1"))

    @pytest.mark.parametrize("text", ["as-asked", "As Asked", " asked "])
    def test_as_asked_removes_the_rule_of_that_scope_only(self, text: str) -> None:
        before = route(override("team", slot="opus"), override("team"))
        assert apply_use(before, text, None, None, CATALOG).overrides == (override("team", slot="opus"),)

    def test_a_switch_keeps_default_chain_and_fallback_toggle(self) -> None:
        before = route(default="team", chain=("openrouter",), fallback=False)
        after = apply_use(before, "ollama/llama3.1:8b", None, None, CATALOG)
        assert (after.default, after.chain, after.fallback_enabled) == ("team", ("openrouter",), False)

    def test_a_provider_that_has_nothing_of_what_is_asked_is_refused_at_once(self) -> None:
        with pytest.raises(NoTarget, match="ollama lists no model that matches"):
            apply_use(route(), "ollama", None, None, CATALOG, probes=("claude-opus-4-8", "claude-haiku-4-5"))

    def test_a_provider_that_has_one_of_what_is_asked_is_taken(self) -> None:
        assert apply_use(route(), "openrouter", None, None, CATALOG, probes=("nothing", "claude-opus-4-8")).overrides

    def test_what_was_set_is_what_decides(self) -> None:
        after = apply_use(route(), "openrouter/gpt-5", "s1", "opus", CATALOG)
        assert decide(after, OPUS, CATALOG).target == Target("openrouter", "openai/gpt-5")


class TestBareNames:
    def test_a_simulator_serves_only_where_it_is_named(self) -> None:
        lists = Lists({"anthropic": [], "simulator": ["claude-sonnet-5"]})
        assert parse_target("claude-sonnet-5", lists, "anthropic") == override("anthropic/claude-sonnet-5")
        assert parse_target("simulator/claude-sonnet-5", lists) == override("simulator/claude-sonnet-5")

    def test_claude_may_be_left_out_of_a_name(self) -> None:
        assert parse_target("sonnet-4-6", CATALOG) == override("anthropic/claude-sonnet-4-6")

    def test_a_claude_that_a_known_list_lacks_is_not_guessed(self) -> None:
        lists = Lists({"anthropic": ["claude-opus-4-8"]})
        with pytest.raises(NoTarget, match="no provider or model is called 'claude-sonnet-9'"):
            parse_target("claude-sonnet-9", lists, "anthropic")


class TestBackground:
    HAIKU = Asked("claude-haiku-4-5", session="s1")

    def served(self, lists: Lists) -> str:
        return str(decide(route(override("other")), self.HAIKU, lists).target)

    def test_what_the_user_set_serves_it(self) -> None:
        lists = Lists({"anthropic": [], "other": ["claude-opus-4-8", "small"]}, background={"other": "small"})
        assert self.served(lists) == "other/small"

    def test_a_listed_haiku_needs_no_other(self) -> None:
        lists = Lists({"anthropic": [], "other": ["claude-haiku-4.5", "small"]}, background={"other": "small"})
        assert self.served(lists) == "other/claude-haiku-4.5"

    def test_without_any_claude_the_cheapest_serves_it(self) -> None:
        lists = Lists({"anthropic": [], "other": ["large", "small"]}, cheap={"other": "small"})
        assert self.served(lists) == "other/small"


class TestChain:
    FIRST = Target("anthropic", "claude-opus-4-8")

    def after(self, *chain: str, asked: Asked = OPUS, fallback: bool = True) -> list[str]:
        return [
            str(each)
            for each in chain_after(route(chain=chain, fallback=fallback), Decision(self.FIRST, ""), asked, CATALOG)
        ]

    def test_the_targets_follow_in_their_order(self) -> None:
        assert self.after("team", "openrouter") == ["team/claude-opus-4-8", "openrouter/anthropic/claude-opus-4.8"]

    def test_with_fallback_off_nothing_follows(self) -> None:
        assert self.after("team", "openrouter", fallback=False) == []

    def test_the_first_target_does_not_follow_itself(self) -> None:
        assert self.after("anthropic", "anthropic/claude-opus-4.8", "team") == ["team/claude-opus-4-8"]

    def test_a_target_follows_once_however_often_it_is_named(self) -> None:
        assert self.after("team", "team/claude-opus-4-8", "team", "bare") == [
            "team/claude-opus-4-8",
            "bare/claude-opus-4-8",
        ]

    def test_what_is_gone_or_ambiguous_is_left_out(self) -> None:
        assert self.after("gone", "gone/claude-opus-4-8", "claude-opus-4-8", "", "team") == ["team/claude-opus-4-8"]

    def test_what_lists_no_such_model_follows_as_what_cannot_be_tried(self) -> None:
        followers = chain_after(route(chain=("ollama", "team")), Decision(self.FIRST, ""), OPUS, CATALOG)
        assert [(each.provider, each.unlisted) for each in followers] == [("ollama", True), ("team", False)]

    def test_the_window_suffix_is_no_part_of_a_following_name(self) -> None:
        asked = Asked("claude-opus-4-8[1m]")
        assert self.after("bare", "team", asked=asked) == ["bare/claude-opus-4-8", "team/claude-opus-4-8"]

    def test_the_same_provider_may_follow_with_another_model(self) -> None:
        assert self.after("anthropic/claude-sonnet-4-6") == ["anthropic/claude-sonnet-4-6"]
