"""Known providers, as data: where they are, how they take a key, where they list their models.

Facts from the providers' own references (November 2026). A user's ``[providers.NAME]`` names a preset and may
override any field. A quirk is a named field with its reason, never a condition on a provider's name in code.
"""

from dataclasses import dataclass
from typing import Literal

from proxy.addresses import Dialect
from proxy.dialects.quirks import PLAIN, Quirks

Auth = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "passthrough", "aws", "google", "none"]
"""How a key travels; ``aws``: requests are signed with the cloud's credentials, ``google``: with its token."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A known provider."""

    name: str
    title: str
    base_url: str | None
    """What goes before the dialect's own path, with ``{region}`` and ``{project}`` where the address has them; None:
    the user has to name it."""
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
    region: str | None = None
    """A cloud's region where neither settings nor environment name one."""
    project_variables: tuple[str, ...] = ()
    """Environment variables that name the cloud's project."""
    signed_service: str = ""
    """The service that requests are signed for, with ``auth = "aws"``."""
    quirks: Quirks = PLAIN
    """How it differs from its dialect's rule."""
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
        "https://gateway.flo2.com/v1",
        "bearer",
        ("FLO2_API_KEY",),
        dialect="openai-chat",
        base_url_variable="FLO2_BASE_URL",
        quirks=Quirks(inline_thinking=False),
        hint="OpenAI's format, ids such as anthropic/claude-opus-4-5; base_url takes another address of your account.",
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
        quirks=Quirks(effort_without_thinking=False, thinking_back=True, reasoning_back="reasoning_content"),
    ),
    Preset(
        "moonshot",
        "Moonshot (Kimi)",
        "https://api.moonshot.ai/anthropic",
        "bearer",
        ("MOONSHOT_API_KEY",),
        models_url="https://api.moonshot.ai/v1/models",
        price_catalog="moonshotai",
        quirks=Quirks(thinking_back=True, reasoning_back="reasoning_content"),
    ),
    Preset(
        "zai",
        "Z.ai (GLM)",
        "https://api.z.ai/api/anthropic",
        "bearer",
        ("ZAI_API_KEY", "ZHIPU_API_KEY"),
        models_url="https://api.z.ai/api/paas/v4/models",
        price_catalog="zai",
        quirks=Quirks(reasoning_back="reasoning_content"),
    ),
    Preset(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/anthropic",
        "bearer",
        ("MINIMAX_API_KEY",),
        models_url="https://api.minimax.io/v1/models",
        price_catalog="minimax",
        quirks=Quirks(reasoning_back="inline"),
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
    Preset(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        "bearer",
        ("OPENAI_API_KEY",),
        dialect="openai-responses",
        base_url_variable="OPENAI_BASE_URL",
        count_tokens=True,
        price_catalog="openai",
        quirks=Quirks(
            effort_field="reasoning_effort",
            efforts=("low", "medium", "high"),
            effort_with_tools="none",
            max_tokens_field="max_completion_tokens",
            sampling=False,
            stop_max=0,
            documents=True,
            result_images=True,
            cache_key=True,
            user_field="safety_identifier",
            search_tool="web_search",
            inline_thinking=False,
            counts_tokens=True,
        ),
        hint="The Responses format: its newer models take tools with reasoning only there.",
    ),
    Preset(
        "gemini",
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "x-goog-api-key",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        dialect="gemini",
        count_tokens=True,
        price_catalog="google",
        quirks=Quirks(documents=True, result_images=True, top_k=True, stop_max=5, search_tool="google_search"),
    ),
    Preset(
        "gemini-openai",
        "Google Gemini in OpenAI's format",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "bearer",
        dialect="openai-chat",
        price_catalog="google",
        quirks=Quirks(effort_field="reasoning_effort", inline_thinking=False),
        hint='api_key = "env:GEMINI_API_KEY"; the preset gemini keeps thinking whole and is the better choice.',
    ),
    Preset(
        "bedrock",
        "Amazon Bedrock",
        "https://bedrock-runtime.{region}.amazonaws.com",
        "aws",
        ("AWS_BEARER_TOKEN_BEDROCK",),
        dialect="bedrock",
        base_url_variable="ANTHROPIC_BEDROCK_BASE_URL",
        lists_models=False,
        models=(
            "global.anthropic.claude-opus-4-8",
            "global.anthropic.claude-sonnet-5",
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        count_tokens=True,
        price_catalog="aws",
        region="us-east-1",
        signed_service="bedrock",
        hint="pip install 'cctui[bedrock]' signs with your AWS profile or role; a Bedrock API key needs no extra. "
        "Name the inference profiles of your account in models = [...].",
    ),
    Preset(
        "bedrock-mantle",
        "Amazon Bedrock (Mantle)",
        "https://bedrock-mantle.{region}.api.aws/anthropic",
        "aws",
        base_url_variable="ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
        lists_models=False,
        count_tokens=True,
        price_catalog="aws",
        region="us-east-1",
        signed_service="bedrock-mantle",
        hint="Anthropic's own format on Bedrock, in some regions. pip install 'cctui[bedrock]', or api_key with a "
        "Bedrock API key; name models = [...].",
    ),
    Preset(
        "claude-aws",
        "Claude Platform on AWS",
        "https://aws-external-anthropic.{region}.api.aws",
        "x-api-key",
        ("ANTHROPIC_AWS_API_KEY",),
        base_url_variable="ANTHROPIC_AWS_BASE_URL",
        count_tokens=True,
        price_catalog="anthropic",
        region="us-east-1",
        signed_service="aws-external-anthropic",
        hint='headers = { "anthropic-workspace-id" = "env:ANTHROPIC_AWS_WORKSPACE_ID" } names the workspace; '
        'auth = "aws" signs with your AWS credentials instead of a key.',
    ),
    Preset(
        "vertex",
        "Google Vertex AI",
        "https://{host}/v1/projects/{project}/locations/{region}/publishers/anthropic/models",
        "google",
        dialect="vertex",
        base_url_variable="ANTHROPIC_VERTEX_BASE_URL",
        lists_models=False,
        models=("claude-opus-4-8", "claude-sonnet-5", "claude-haiku-4-5@20251001"),
        count_tokens=True,
        price_catalog="google",
        region="global",
        project_variables=("ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT"),
        hint="pip install 'cctui[vertex]' uses your Google Cloud login (gcloud auth application-default login); set "
        "project, and models = [...] for others than the listed ones.",
    ),
    Preset(
        "google-cloud",
        "Claude on Google Cloud",
        None,
        "google",
        base_url_variable="ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
        lists_models=False,
        price_catalog="anthropic",
        hint='base_url = "https://claude.googleapis.com/v1alpha/projects/PROJECT/locations/global/workspaces/WORKSPACE'
        '/invoke"; name models = [...].',
    ),
    Preset(
        "azure-openai",
        "Azure OpenAI",
        None,
        "api-key",
        ("AZURE_OPENAI_API_KEY",),
        dialect="openai-responses",
        lists_models=False,
        price_catalog="azure",
        quirks=Quirks(
            effort_field="reasoning_effort",
            effort_with_tools="none",
            max_tokens_field="max_completion_tokens",
            sampling=False,
            stop_max=0,
            documents=True,
            result_images=True,
            cache_key=True,
            inline_thinking=False,
        ),
        hint='base_url = "https://RESOURCE.openai.azure.com/openai/v1"; name your deployments in models = [...].',
    ),
    Preset(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        "bearer",
        ("GROQ_API_KEY",),
        dialect="openai-chat",
        price_catalog="groq",
        quirks=Quirks(plain_schemas=True, max_tokens_field="max_completion_tokens"),
    ),
    Preset(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        "bearer",
        ("MISTRAL_API_KEY",),
        dialect="openai-chat",
        price_catalog="mistral",
        quirks=Quirks(
            tool_ids="nine", forced_tools="any", stream_usage=False, empty_content=False, user_after_tool=False
        ),
    ),
    Preset(
        "xai",
        "xAI (Grok)",
        "https://api.x.ai/v1",
        "bearer",
        ("XAI_API_KEY",),
        dialect="openai-responses",
        models_url="https://api.x.ai/v1/language-models",
        price_catalog="x-ai",
        quirks=Quirks(
            effort_field="reasoning_effort",
            efforts=("low", "high"),
            stop_max=0,
            search_tool="web_search",
            inline_thinking=False,
        ),
    ),
    Preset(
        "cerebras",
        "Cerebras",
        "https://api.cerebras.ai/v1",
        "bearer",
        ("CEREBRAS_API_KEY",),
        dialect="openai-chat",
        price_catalog="cerebras",
        quirks=Quirks(max_tokens_field="max_completion_tokens", images=False),
    ),
    Preset(
        "github-models",
        "GitHub Models",
        "https://models.github.ai/inference",
        "bearer",
        dialect="openai-chat",
        models_url="https://models.github.ai/catalog/models",
        quirks=Quirks(inline_thinking=False),
        hint='api_key = "env:GITHUB_TOKEN" (a token with the right models:read).',
    ),
    Preset(
        "kimi-coding",
        "Kimi For Coding",
        "https://api.kimi.com/coding",
        "bearer",
        ("KIMI_CODING_API_KEY",),
        lists_models=False,
        models=("kimi-for-coding",),
        price_catalog="moonshotai",
        quirks=Quirks(thinking_back=True, reasoning_back="reasoning_content"),
        hint="Kimi's coding plan, in Anthropic's format.",
    ),
    Preset(
        "openai-compatible",
        "Any server with OpenAI's format",
        None,
        "bearer",
        dialect="openai-chat",
        hint='base_url = "http://HOST:PORT/v1", or wherever its /chat/completions is; auth = "none" without a key.',
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
