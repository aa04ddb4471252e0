using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Inference;
using Microsoft.ML;

namespace CrnMlNet.Tests.Rows;

/// <summary>Another photo of the same layout.</summary>
public sealed class SampleSeedTests(TrainedModel model) : IDisposable
{
    private readonly SynthesizeFromLabelsTransformer _transformer = (SynthesizeFromLabelsTransformer)model.Load();

    public void Dispose() => _transformer.Dispose();

    [Theory]
    [InlineData(SynthesisPrecision.Float32)]
    [InlineData(SynthesisPrecision.BFloat16)]
    public void The_same_seed_gives_the_same_photos_in_any_batch_and_another_seed_others(SynthesisPrecision precision)
    {
        _transformer.Precision = precision;
        var usual = Photos(seed: 0, batch: 4);
        var expected = Photos(seed: 5, batch: 1);

        foreach (int batch in new[] { 2, 4, 7 })
            Assert.Equal(expected, Photos(seed: 5, batch));
        Assert.Equal(usual, Photos(seed: 0, batch: 1));
        Assert.All(usual.Zip(expected, Photos(seed: -5, batch: 4)), photo => Assert.True(
            !photo.First.SequenceEqual(photo.Second) && !photo.Second.SequenceEqual(photo.Third) && !photo.First.SequenceEqual(photo.Third)));
    }

    [Fact]
    public void On_several_threads_and_in_another_copy_it_is_the_same()
    {
        _transformer.SampleSeed = 5;
        var expected = Painted(_transformer);
        using var other = (SynthesizeFromLabelsTransformer)model.Load();
        Assert.Equal(0, other.SampleSeed);
        other.SampleSeed = 5;

        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ => Assert.Equal(expected, Painted(other)));
    }

    [Fact]
    public void A_model_without_noise_has_one_photo_alone()
    {
        var options = Samples.TinyOptions();
        options.NoiseChannels = 0;
        using var plain = Samples.Train(options);

        plain.SampleSeed = 0;

        Assert.Contains("NoiseChannels = 0", Assert.Throws<InvalidOperationException>(() => plain.SampleSeed = 1).Message);
    }

    [Fact]
    public void How_the_noise_was_drawn_is_in_the_record()
    {
        using var folder = new TemporaryFolder();
        var options = Samples.TinyOptions();
        options.NoiseSamples = 2;
        using var trained = Samples.Train(options);
        model.MLContext.Model.Save(trained, null, folder["model.zip"]);

        using var loaded = (SynthesizeFromLabelsTransformer)model.MLContext.Model.Load(folder["model.zip"], out _);

        Assert.Equal(2, loaded.Training.NoiseSamples);
        Assert.Equal(0, _transformer.Training.NoiseSamples);
    }

    private List<byte[]> Photos(int seed, int batch)
    {
        (_transformer.SampleSeed, _transformer.ScoringBatchSize) = (seed, batch);
        return Samples.ReadPhotos(_transformer.Transform(ShufflableRows.From(model.MLContext, Samples.Scenes(7))));
    }

    private static byte[] Painted(SynthesizeFromLabelsTransformer transformer)
    {
        using var labels = Samples.Labels(3);
        using var photo = transformer.Synthesize(labels);
        return photo.Pixels();
    }
}
