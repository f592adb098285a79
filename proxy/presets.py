"""Known providers, as data: where they are, how they take a key, where they list their models.

Facts from the providers' own references. A user's ``[providers.NAME]`` names a preset and may override any
field. A quirk is a named field with its reason, never a condition on a provider's name in code.
"""

from dataclasses import dataclass
from typing import Literal

Dialect = Literal["anthropic"]
"""Wire formats that the engine speaks."""
Auth = Literal["bearer", "x-api-key", "passthrough", "none"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A known provider."""

    name: str
    title: str
    base_url: str | None
    """What goes before ``/v1/messages``; None: the user has to name it."""
    auth: Auth
    key_variables: tuple[str, ...] = ()
    """Environment variables that hold its key; the provider appears by itself when one is set."""
    dialect: Dialect = "anthropic"
    base_url_variable: str | None = None
    """An environment variable that names another base URL."""
    models_url: str | None = None
    """Where the models are listed, if not at ``{base_url}/v1/models``; same host, or the key would stray."""
    lists_models: bool = True
    models: tuple[str, ...] = ()
    """Model ids, for a provider that lists none."""
    count_tokens: bool = False
    """It answers ``/v1/messages/count_tokens``; otherwise the engine estimates."""
    price_catalog: str | None = None
    """Its name in the bundled price list; None: it has no prices there."""
    free: bool = False
    """It runs on the user's machine: nothing is billed."""
    local_port: int | None = None
    """A local server: offered when this port answers with a model list."""
    hint: str = ""
    """What the user has to know to set it up."""


PRESETS: tuple[Preset, ...] = (
    Preset(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com",
        "passthrough",
        ("ANTHROPIC_API_KEY",),
        count_tokens=True,
        price_catalog="anthropic",
        hint="Claude Code's own login or key passes through; api_key serves clients that bring none.",
    ),
    Preset(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api",
        "bearer",
        ("OPENROUTER_API_KEY",),
        price_catalog="openrouter",
    ),
    Preset("requesty", "Requesty", "https://router.requesty.ai", "bearer", ("REQUESTY_API_KEY",)),
    Preset(
        "respan",
        "Respan",
        "https://api.respan.ai/api/anthropic",
        "bearer",
        ("RESPAN_API_KEY",),
        base_url_variable="RESPAN_BASE_URL",
        lists_models=False,
        hint='headers = { "X-Respan-Route-Provider" = "vertex_ai" } pins the provider behind it; name models = [...].',
    ),
    Preset(
        "flo2",
        "flo2",
        None,
        "bearer",
        ("FLO2_API_KEY",),
        base_url_variable="FLO2_BASE_URL",
        hint="flo2 publishes no address for Anthropic's format: set base_url to the one in your account.",
    ),
    Preset(
        "litellm",
        "LiteLLM proxy",
        "http://localhost:4000",
        "bearer",
        ("LITELLM_API_KEY",),
        base_url_variable="LITELLM_BASE_URL",
        count_tokens=True,
        price_catalog="litellm",
    ),
    Preset(
        "ollama",
        "Ollama",
        "http://localhost:11434",
        "none",
        base_url_variable="OLLAMA_HOST",
        free=True,
        local_port=11434,
    ),
    Preset("lmstudio", "LM Studio", "http://localhost:1234", "none", free=True, local_port=1234),
    Preset("llamacpp", "llama.cpp", "http://localhost:8080", "none", count_tokens=True, free=True, local_port=8080),
    Preset("vllm", "vLLM", "http://localhost:8000", "bearer", ("VLLM_API_KEY",), count_tokens=True, free=True),
    Preset(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/anthropic",
        "x-api-key",
        ("DEEPSEEK_API_KEY",),
        models_url="https://api.deepseek.com/models",
        price_catalog="deepseek",
    ),
    Preset(
        "moonshot",
        "Moonshot (Kimi)",
        "https://api.moonshot.ai/anthropic",
        "bearer",
        ("MOONSHOT_API_KEY",),
        models_url="https://api.moonshot.ai/v1/models",
        price_catalog="moonshotai",
    ),
    Preset(
        "zai",
        "Z.ai (GLM)",
        "https://api.z.ai/api/anthropic",
        "bearer",
        ("ZAI_API_KEY", "ZHIPU_API_KEY"),
        models_url="https://api.z.ai/api/paas/v4/models",
        price_catalog="zai",
    ),
    Preset(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/anthropic",
        "bearer",
        ("MINIMAX_API_KEY",),
        models_url="https://api.minimax.io/v1/models",
        price_catalog="minimax",
    ),
    Preset(
        "qwen",
        "Qwen (DashScope)",
        "https://dashscope-intl.aliyuncs.com/apps/anthropic",
        "bearer",
        ("DASHSCOPE_API_KEY",),
        models_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1/models",
    ),
    Preset(
        "azure",
        "Azure AI Foundry",
        None,
        "x-api-key",
        ("ANTHROPIC_FOUNDRY_API_KEY",),
        base_url_variable="ANTHROPIC_FOUNDRY_BASE_URL",
        lists_models=False,
        price_catalog="azure",
        hint='base_url = "https://RESOURCE.services.ai.azure.com/anthropic"; name your deployments in models = [...].',
    ),
    Preset("custom", "Custom", None, "bearer", hint="Any server with Anthropic's Messages format: set base_url."),
    Preset(
        "simulator",
        "Simulator",
        "http://simulator.invalid",
        "none",
        count_tokens=True,
        hint="Answers by itself: no key, no network, no money. For demos and first steps.",
    ),
)
"""Known providers; the order is the order of offers."""

BY_NAME = {preset.name: preset for preset in PRESETS}
