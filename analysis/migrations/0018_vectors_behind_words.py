"""When a snapshot's last vector was written. Those that are ready already had all of theirs before they became so."""

from django.db import migrations, models
from django.db.models import F


def complete_ready_ones(apps, schema_editor):
    apps.get_model("analysis", "Snapshot").objects.filter(status="ready").update(vectors_at=F("ready_at"))


class Migration(migrations.Migration):

    dependencies = [
        ("analysis", "0017_folders"),
    ]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="vectors_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(complete_ready_ones, migrations.RunPython.noop),
    ]
