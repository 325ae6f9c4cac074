"""The Mission sandbox: a small server that honours docs/mission-import.openapi.yaml and misbehaves on command.

`python -m migrate_etl.sandbox.mission` starts one; `process.MissionSandbox` starts it from Python. It is held to the
contract file alone: nothing of the importer's client, mapping or verification may be imported here.
"""
