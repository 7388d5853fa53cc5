from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0013_search_by_postings")]

    operations = [
        migrations.AddField(model_name="table", name="headers", field=models.JSONField(default=list)),
    ]
