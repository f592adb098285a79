"""The panel's widgets: attributes down, messages up; none knows the engine, the settings or a sibling."""
