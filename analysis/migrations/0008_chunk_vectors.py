"""Vectors move from the chunks' rows into rows of their own, one per embedder, with one embedder that serves."""

import django.db.models.deletion
import pgvector.django.vector
from django.db import migrations, models

# Constraints are checked at once: rows that wait for a check would keep the tables from being altered.
COPY = """
INSERT INTO analysis_chunkvector (chunk_id, embedder_id, version_id, embedding)
SELECT id, embedder_id, version_id, embedding FROM analysis_chunk
WHERE embedding IS NOT NULL AND embedder_id IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
UPDATE analysis_embedder SET status = 'serving' WHERE id = (
    SELECT embedder_id FROM analysis_chunkvector GROUP BY embedder_id ORDER BY count(*) DESC, embedder_id LIMIT 1
);
"""
COPY_BACK = """
UPDATE analysis_chunk SET embedder_id = one.embedder_id, embedding = one.embedding
FROM analysis_chunkvector one JOIN analysis_embedder e ON e.id = one.embedder_id
WHERE one.chunk_id = analysis_chunk.id AND e.status = 'serving';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


def make_vector_indexes(apps, schema_editor):
    """Make each embedder's index on the new table; the one on the old column goes with it."""
    from analysis.ingest.index import ensure_vector_index

    for embedder in apps.get_model("analysis", "Embedder").objects.all():
        schema_editor.execute(f"DROP INDEX IF EXISTS chunk_embedding_{embedder.pk:d}")
        ensure_vector_index(embedder)


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0007_document_identity'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChunkVector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chunk', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='analysis.chunk')),
                ('embedder', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='vectors', to='analysis.embedder')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='analysis.documentversion')),
                ('embedding', pgvector.django.vector.VectorField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('chunk', 'embedder'), name='chunk_vector_once')],
            },
        ),
        migrations.AddField(
            model_name='embedder',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='embedder',
            name='lease_expires_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='embedder',
            name='lease_token',
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='embedder',
            name='status',
            field=models.CharField(choices=[('queued', 'Waiting'), ('building', 'Being built'), ('serving', 'Serving'), ('retired', 'Retired')], default='queued', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='embedder',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'serving')), fields=('status',), name='one_embedder_serves'),
        ),
        migrations.RunSQL(COPY, COPY_BACK),
        migrations.RunPython(make_vector_indexes, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name='chunk',
            name='embedder',
        ),
        migrations.RemoveField(
            model_name='chunk',
            name='embedding',
        ),
    ]
