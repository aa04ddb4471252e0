using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation.Tests;

public sealed class SynthesisEvaluationTests(SegmenterTests.Trained trained) : IClassFixture<SegmenterTests.Trained>
{
    [Fact]
    public void AFlatPaintingHasEachClassInItsMeanColourOverAllPhotos()
    {
        // Class 0 has red 10 and 30 in the first photo and 50 in the second: mean 30. Class 1 has red 100 and 101: 100.5, to even.
        byte[][] layouts = [[0, 0, 1], [0, 1, 2]];
        RgbImage[] photos =
        [
            new(1, 3, [10, 30, 100, 0, 0, 0, 1, 2, 3]),
            new(1, 3, [50, 101, 7, 0, 0, 9, 3, 6, 255]),
        ];

        var flat = SynthesisEvaluation.FlatPaintings(new RealPairs(photos, layouts, ["a", "b", "c"]));

        // Blue of class 0: 1, 2, 3; of class 1: 3 and 6, 4.5 to even; class 2 once; void nowhere.
        Assert.Equal([30, 30, 100, 0, 0, 0, 2, 2, 4], flat[0].Planes.ToArray());
        Assert.Equal([30, 100, 7, 0, 0, 9, 2, 4, 255], flat[1].Planes.ToArray());
    }

    [Fact]
    public void RealPhotosAreAsNearAsCanBe()
    {
        var real = Real(6, seed: 2);

        var evaluation = SynthesisEvaluation.Of([.. real.Photos.Select(photo => new[] { photo })], real, new EvaluationOptions { Segmenter = trained.Segmenter, TrainingPhotos = real.Photos });

        var nearness = evaluation.Synthesized;
        Assert.Equal((6, 32, 32), (evaluation.Pairs, evaluation.Height, evaluation.Width));
        Assert.Equal(0, nearness.SlicedWasserstein, 1e-9);
        Assert.Equal(1, nearness.MultiScaleSsim, 1e-12);
        Assert.Equal(double.PositiveInfinity, nearness.Psnr);
        Assert.All(nearness.Spectrum, band => Assert.Equal(0, band.Decibels));
        Assert.Equal(0, nearness.PerceptualDistance!.Value, 1e-9);
        Assert.Equal(0, nearness.FrechetDistance!.Value, 1e-6);
        Assert.Equal(evaluation.RealVoidIgnored!.Scores.MeanIoU, nearness.VoidIgnored!.Scores.MeanIoU);
        Assert.Equal(evaluation.RealVoidError!.PixelAccuracy, nearness.VoidError!.PixelAccuracy);
        Assert.All(evaluation.Memorisation!.Synthesized.Select((nearest, i) => (nearest, i)), image => Assert.Equal((image.i, 0), (image.nearest.Photo, Math.Round(image.nearest.Distance, 4))));
        Assert.Null(evaluation.Best);
        Assert.Null(evaluation.PairwisePerceptual);
    }

    [Fact]
    public void EveryMeasureIsThatOfItsOwnClassOnTheFirstPhotos()
    {
        var real = Real(5, seed: 3);
        RgbImage[][] synthesized = [.. Enumerable.Range(0, 5).Select(i => new[] { Noisy(real.Photos[i], i), Noisy(real.Photos[i], i + 50), Noisy(real.Photos[i], i + 99) })];
        RgbImage[] first = [.. synthesized.Select(images => images[0])];
        using var filters = new FilterBankPerception(CPU);
        using var perceptual = PerceptualDistance.In(new FilterBankPerception(CPU));
        var options = new EvaluationOptions { Segmenter = trained.Segmenter, Extractor = FeatureExtractor.Of(filters), Perceptual = perceptual, TrainingPhotos = real.Photos, Resamples = 200, Seed = 4 };

        var evaluation = SynthesisEvaluation.Of(synthesized, real, options);

        var nearness = evaluation.Synthesized;
        using var scope = NewDisposeScope();
        var (ours, theirs) = (options.Extractor.Features(first), options.Extractor.Features(real.Photos));
        var levels = SlicedWasserstein.Between(first, real.Photos, seed: 4);
        Assert.Equal(levels.Select(level => (level.Height, level.Width, Math.Round(level.Distance, 9))), nearness.Levels.Select(level => (level.Height, level.Width, Math.Round(level.Distance, 9))));
        Assert.Equal(ClassTexture.Between(first, real, seed: 4).Select(texture => (texture.Class, Math.Round(texture.SlicedWasserstein, 9))), nearness.Textures.Select(texture => (texture.Class, Math.Round(texture.SlicedWasserstein, 9))));
        Assert.Equal([0, 1, 2], nearness.Textures.Select(texture => texture.Class));
        Assert.Equal(nearness.Textures.Average(texture => texture.SlicedWasserstein), nearness.TextureDistance!.Value, 1e-9);
        Assert.Equal(nearness.Levels.Average(level => level.Distance), nearness.SlicedWasserstein, 1e-9);
        Assert.Equal(PowerSpectrum.Between(first, real.Photos), nearness.Spectrum);
        Assert.Equal(KernelDistance.Between(ours, theirs, seed: 4).Mean, nearness.KernelDistance!.Mean, 1e-9);
        Assert.Equal(FrechetDistance.Between(ours, theirs), nearness.FrechetDistance!.Value, 1e-9);
        double[] psnr = [.. first.Zip(real.Photos, Psnr.Between)], distances = [.. first.Zip(real.Photos, perceptual.Between)];
        Assert.Equal(psnr.Average(), nearness.Psnr, 1e-9);
        Assert.Equal(Bootstrap.OfMean(psnr, 200, 4), nearness.PsnrInterval);
        Assert.Equal(first.Zip(real.Photos, MultiScaleSsim.Between).Average(), nearness.MultiScaleSsim, 1e-9);
        Assert.Equal(distances.Average(), nearness.PerceptualDistance!.Value, 1e-9);
        Assert.InRange(nearness.PerceptualDistance.Value, nearness.PerceptualInterval!.Value.Low, nearness.PerceptualInterval.Value.High);
        Assert.Equal(BestOfImages.Of(synthesized[0], real.Photos[0], real.Layouts![0]).Psnr.Count, evaluation.Best!.Psnr.Count);
        Assert.Equal(
            synthesized.Average(images => (perceptual.Between(images[0], images[1]) + perceptual.Between(images[0], images[2]) + perceptual.Between(images[1], images[2])) / 3),
            evaluation.PairwisePerceptual!.Value, 1e-9);
        Assert.Equal(Memorisation.Of(first, real.Photos, real.Photos).Synthesized, evaluation.Memorisation!.Synthesized);

        Assert.Equal(("CrnFilters", perceptual.Name, trained.Segmenter.Name, 200, 4), (evaluation.Protocol.Extractor, evaluation.Protocol.Perceptual, evaluation.Protocol.Segmenter, evaluation.Protocol.Resamples, evaluation.Protocol.Seed));
        Assert.Matches("^[0-9]+[.][0-9]", evaluation.Protocol.Version);
        Assert.Equal(real.Classes, evaluation.Classes);
        Assert.Equal(SynthesisEvaluation.FlatPaintings(real).Zip(real.Photos, Psnr.Between).Average(), evaluation.FlatPainting!.Psnr, 1e-9);
    }

    [Fact]
    public void WhatIsNotAskedForOrHasNotWhatItNeedsIsLeftOut()
    {
        var pairs = Real(3, seed: 4);
        var real = new RealPairs(pairs.Photos);
        RgbImage[][] synthesized = [.. pairs.Photos.Select(photo => new[] { Noisy(photo, 1), Noisy(photo, 2) })];
        List<EvaluationProgress> progress = [];

        var evaluation = SynthesisEvaluation.Of(synthesized, real, new EvaluationOptions { Measures = Measures.Psnr | Measures.Segmentation | Measures.Memorisation, Segmenter = trained.Segmenter, Progress = progress.Add });

        Assert.True(evaluation.Synthesized.Psnr > 10);
        Assert.Equal(double.NaN, evaluation.Synthesized.SlicedWasserstein);
        Assert.Null(evaluation.Synthesized.KernelDistance);
        Assert.Null(evaluation.Synthesized.FrechetDistance);
        Assert.Null(evaluation.Synthesized.PerceptualDistance);
        Assert.Null(evaluation.Synthesized.VoidIgnored);
        Assert.Null(evaluation.RealVoidIgnored);
        Assert.Null(evaluation.FlatPainting);
        Assert.Null(evaluation.Memorisation);
        Assert.Null(evaluation.Best);
        Assert.Equal(Enumerable.Range(0, progress.Count), progress.Select(step => step.Done));
        Assert.All(progress, step => Assert.Equal(("Measuring", progress.Count), (step.Stage, step.Total)));
    }

    [Fact]
    public void PairsThatDoNotFitAreRefusedBeforeAnythingIsMeasured()
    {
        var real = Real(2, seed: 5);
        RgbImage[][] two = [[real.Photos[0]], [real.Photos[1]]];

        Refused("got 2 and those of 1", () => SynthesisEvaluation.Of(two[..1], real));
        Refused("got 1 of one and 2 of another", () => SynthesisEvaluation.Of([[real.Photos[0]], [real.Photos[1], real.Photos[1]]], real));
        Refused("got 32x32 and 32x40", () => SynthesisEvaluation.Of([[real.Photos[0]], [Pictures.Waves(32, 40)]], real));
        Refused("2 classes (left, right)", () => SynthesisEvaluation.Of(
            two, new RealPairs(real.Photos, [new byte[1024], new byte[1024]], ["left", "right"]), new EvaluationOptions { Segmenter = trained.Segmenter }));
        Refused("nothing to measure", () => SynthesisEvaluation.Of(two, real, new EvaluationOptions { Measures = Measures.None }));
        Refused("no pair", () => new RealPairs([]));
        Refused("2 photos and 1 layouts", () => new RealPairs(real.Photos, [new byte[1024]], ["a"]));
        Refused("got 9 in layout 1", () => new RealPairs(real.Photos, [new byte[1024], new byte[9]], ["a"]));
        Refused("Layout 0 has the id 3", () => new RealPairs(real.Photos, real.Layouts!, ["a", "b"]));
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => SynthesisEvaluation.Of(two, real, new EvaluationOptions { CancellationToken = stop.Token, Progress = _ => stop.Cancel() }));

        static void Refused(string part, Func<object> make) => Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(make).Message);
    }

    private static RealPairs Real(int count, int seed)
    {
        var drawn = Shapes.Draw(count, seed);
        return new RealPairs([.. drawn.Select(pair => pair.Photo)], [.. drawn.Select(pair => pair.Layout)], [.. Shapes.Palette.Classes.Select(label => label.Name)]);
    }

    private static RgbImage Noisy(RgbImage photo, int seed)
    {
        var random = new Random(seed);
        byte[] planes = photo.Planes.ToArray();
        return new RgbImage(photo.Height, photo.Width, [.. planes.Select(value => (byte)Math.Clamp(value + random.Next(-30, 31), 0, 255))]);
    }
}
