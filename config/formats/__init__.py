"""How dates are written, a module a language; templates name a format: `{{ made_at|date:"SHORT_DATE_FORMAT" }}`."""
