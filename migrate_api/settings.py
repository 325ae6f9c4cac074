"""What the API is started with: environment variables `MIGRATE_…`, or the options of `migrate serve`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """Made once, where the process starts, and handed down."""

    model_config = SettingsConfigDict(env_prefix="MIGRATE_", frozen=True, extra="ignore", populate_by_name=True)

    database_url: str = "sqlite:///migrate.sqlite"
    """`sqlite:///PATH` or `postgresql+psycopg://…`."""
    public_url: str = "http://127.0.0.1:8700"
    """Where people and agents reach the API; stands in links and mails."""
    vault_keys: SecretStr = SecretStr("")
    """`id=base64 of 32 bytes`, comma-separated, the newest first. Older ones still open what they sealed."""
    portal_sso_secret: SecretStr = Field(default=SecretStr(""), validation_alias="PORTAL_SSO_SECRET")
    """Shared with Hub; without it nobody signs in by Hub."""
    sso_issuer: str = "https://my.theonestack.com"
    sso_audience: str = "migrate"
    requests_per_minute: int = 100
    """Of one tenant's users and API tokens together."""
    agent_requests_per_minute: int = 600
    """Of one agent."""
    hub_billing_url: str = Field(default="", validation_alias="HUB_BILLING_API_URL")
    bus_url: str = Field(default="", validation_alias="BUS_URL")
    bus_integration_key: SecretStr = Field(default=SecretStr(""), validation_alias="BUS_INTEGRATION_KEY")
    smtp_url: SecretStr = SecretStr("")
    """`smtp://user:password@host:port`, or `smtps://`; without it no mail is sent."""
    mail_from: str = "migrate@theonemigrate.app"
    otlp_endpoint: str = ""
    """Where traces go by OTLP over HTTP, such as `http://collector:4318`; without it none are made."""
    metrics_token: SecretStr = SecretStr("")
    """What a collector sends to `/metrics` as `Authorization: Bearer …`; without it nobody reads them."""
    microsoft_client_id: str = ""
    """Of this service's registration at Microsoft; without id and secret nobody connects Azure by signing in."""
    microsoft_client_secret: SecretStr = SecretStr("")
    microsoft_authority: str = "https://login.microsoftonline.com/organizations"
    """Where people sign in; another cloud's address, or one directory in the place of `organizations`."""
    azure_management_url: str = "https://management.azure.com"
    azure_storage_suffix: str = "core.windows.net"
    """Of the addresses of storage accounts that Azure does not list for the person."""
    azure_access: Literal["sas", "bearer"] = "sas"
    """What agents get: a signature for one container, or the person's own access token, which opens all they may."""
    timers: bool = True
