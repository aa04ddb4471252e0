using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

[Collection(RunAlone.Name)]
public sealed class AdversaryTests
{
    private const int Size = 16;

    private static readonly Objective Game = new() { Comparison = Comparison.None, Adversarial = 3, Discriminator = DiscriminatorKind.WholeImage, DiscriminatorFeatures = 2 };

    private static readonly CrnArchitecture Small = new() { Channels = 2, Height = Size, Width = Size, WidthFactor = 1.0 / 64 };

    [Fact]
    public void TheTermIsTheWeightedSumAndTouchesNoParameterOfTheDiscriminator()
    {
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Game, Small, 1e-4, seed: 1, CPU);
        using var discriminator = new Discriminator(Game.Discriminator, Small, seed: 1);
        var (layouts, photos, images) = Draw(images: 2);
        images.requires_grad_();
        var before = Numbers(adversary);

        var loss = adversary.Loss(images, layouts, photos, step: 0);
        loss.backward();

        var painted = discriminator.forward(layouts, images.flatten(0, 1));
        Tensor[] real = [.. discriminator.forward(layouts, photos).Select(layer => layer.repeat_interleave(2, 0))];
        Assert.Equal(
            3 * AdversarialLoss.OfPainter(painted[^1]).item<float>() + 2 * AdversarialLoss.FeatureMatching(real, painted).item<float>(), loss.item<float>(), 1e-5f);
        Assert.True(images.grad!.abs().max().item<float>() > 0);
        Assert.Equal(before, Numbers(adversary));
    }

    // In the first of four steps a quarter, in the fourth and from then on the whole.
    [Theory]
    [InlineData(0, 0.25)]
    [InlineData(2, 0.75)]
    [InlineData(3, 1)]
    [InlineData(1000, 1)]
    public void WeightsGrowEvenlyOverTheFirstSteps(long step, double share)
    {
        using var scope = NewDisposeScope();
        using var atOnce = new Adversary(Game, Small, 1e-4, seed: 1, CPU);
        using var growing = new Adversary(Game with { AdversarialGrowth = 4 }, Small, 1e-4, seed: 1, CPU);
        var (layouts, photos, images) = Draw(images: 1);

        double whole = atOnce.Loss(images, layouts, photos, step).item<float>();

        Assert.True(whole > 1);
        Assert.Equal(share * whole, growing.Loss(images, layouts, photos, step).item<float>(), 1e-4);
    }

    [Fact]
    public void AtSeveralScalesTheTermIsTheirMean()
    {
        using var scope = NewDisposeScope();
        var architecture = Small with { Height = 64, Width = 64 };
        using var adversary = new Adversary(Game with { Discriminator = DiscriminatorKind.MultiScalePatches }, architecture, 1e-4, seed: 1, CPU);
        using var discriminator = new Discriminator(DiscriminatorKind.MultiScalePatches, architecture, seed: 1);
        var (layouts, photos, images) = (rand(1, 2, 64, 64), 255 * rand(1, 3, 64, 64), 255 * rand([1, 1, 3, 64, 64]));

        double loss = adversary.Loss(images, layouts, photos, step: 0).item<float>();

        var (real, painted) = (discriminator.Look(layouts, photos), discriminator.Look(layouts, images.select(1, 0)));
        Assert.Equal(2, real.Count);
        Assert.Equal(
            real.Zip(painted).Average(scale => 3 * AdversarialLoss.OfPainter(scale.Second[^1]).item<float>() + 2 * AdversarialLoss.FeatureMatching(scale.First, scale.Second).item<float>()), loss, 1e-4);
    }

    [Fact]
    public void ItLearnsToTellPhotosFromImages()
    {
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Game with { DiscriminatorFeatures = 0 }, Small, 1e-3, seed: 1, CPU);
        var (layouts, photos, images) = Draw(images: 1);
        double before = adversary.Loss(images, layouts, photos, step: 0).item<float>();

        for (int step = 0; step < 30; step++)
            adversary.Learn(images, layouts, photos);

        // The surer it is, the more the painter loses.
        Assert.True(adversary.Loss(images, layouts, photos, step: 0).item<float>() > before + 0.3);
        Assert.Null(adversary.Collapse);
    }

    // Adam's first step changes a weight by the learning rate, whatever its gradient.
    [Theory]
    [InlineData(1e-3, 2e-4)]
    [InlineData(1e-4, 1e-4)]
    [InlineData(0, 0)]
    public void ItLearnsAsFastAsThePainterButNoFasterThan2e4(double painters, double expected)
    {
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Game, Small, 1e-5, seed: 1, CPU) { LearningRate = painters };
        var (layouts, photos, images) = Draw(images: 1);
        float[] before = Weights();

        adversary.Learn(images, layouts, photos);

        Assert.Equal(expected, before.Zip(Weights(), (one, other) => Math.Abs(one - other)).Max(), 1e-6);

        float[] Weights() => [.. adversary.State.Where(state => state.Name.StartsWith("discriminator.weights.", StringComparison.Ordinal))
            .SelectMany(state => state.Value.detach().contiguous().data<float>().ToArray())];
    }

    // At 0.01 nats it is right with a probability of 0.99, of photo and image alike.
    [Fact]
    public void OneThatIsSureOfWhatItSeesRestsUntilThePainterHasCaughtUp()
    {
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Game, Small, 1e-3, seed: 1, CPU);
        using var discriminator = new Discriminator(Game.Discriminator, Small, seed: 1);
        // A painter that paints nothing but gray.
        var (layouts, photos, _) = Draw(images: 1);
        var images = full([2, 1, 3, Size, Size], 100f);

        int steps = 0;
        while (Nats() >= 0.01 && steps < 1000)
        {
            float[] before = Numbers(adversary);
            adversary.Learn(images, layouts, photos);
            Assert.NotEqual(before, Numbers(adversary));
            steps++;
        }

        Assert.InRange(steps, 1, 999);
        float[] sure = Numbers(adversary);
        adversary.Learn(images, layouts, photos);
        Assert.Equal(sure, Numbers(adversary));
        // Photos that are said to be painted it cannot tell from photos.
        adversary.Learn(photos.unsqueeze(1), layouts, photos);
        Assert.NotEqual(sure, Numbers(adversary));

        double Nats()
        {
            using var _ = no_grad();
            var learned = adversary.State.ToDictionary(state => state.Name, state => state.Value);
            foreach (var (name, parameter) in discriminator.named_parameters())
                parameter.copy_(learned[$"discriminator.weights.{name}"]);
            return AdversarialLoss.OfDiscriminator(discriminator.forward(layouts, photos)[^1], discriminator.forward(layouts, images.select(1, 0))[^1]).item<float>();
        }
    }

    [Fact]
    public void OneThatTellsNothingApartForLongHasCollapsed()
    {
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Game, Small, 1e-4, seed: 1, CPU);
        var (layouts, photos, images) = Draw(images: 1);

        for (int step = 0; step < Adversary.CollapsedSteps - 1; step++)
            adversary.Learn(photos.unsqueeze(1), layouts, photos);
        Assert.Null(adversary.Collapse);
        adversary.Learn(images, layouts, photos);
        for (int step = 0; step < Adversary.CollapsedSteps; step++)
        {
            Assert.Null(adversary.Collapse);
            adversary.Learn(photos.unsqueeze(1), layouts, photos);
        }
        Assert.Contains("told nothing apart for 500 steps", adversary.Collapse);
    }

    [Fact]
    public void SoHasOneThatIsSureForLong()
    {
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Game, Small, 1e-3, seed: 1, CPU);
        // A painter that paints nothing but gray.
        var (layouts, photos, _) = Draw(images: 1);
        var images = full([2, 1, 3, Size, Size], 100f);

        int steps = 0;
        while (adversary.Collapse is null && steps < 4 * Adversary.CollapsedSteps)
        {
            adversary.Learn(images, layouts, photos);
            steps++;
        }

        Assert.InRange(steps, Adversary.CollapsedSteps, 4 * Adversary.CollapsedSteps - 1);
        Assert.Contains("sure of every photo for 500 steps", adversary.Collapse);
    }

    [Fact]
    public void ACollapseEndsTheTraining()
    {
        // A painter that paints the photos, which are all of one gray, and learns nothing.
        var pairs = new TrainingPairs(2, Size, Size);
        var ids = new byte[Size * Size];
        var photo = new byte[3 * Size * Size];
        photo.AsSpan().Fill(51);
        pairs.Add(ids, photo);
        using var network = new CascadedRefinementNetwork(Small);
        using (no_grad())
        {
            network.get_parameter("conv100.weight")!.zero_();
            network.get_parameter("conv100.bias")!.fill_(51 / 127.5 - 1);
        }
        using var perception = new NoPerception();
        var options = new TrainingOptions { Epochs = 1000, LearningRate = 1e-12, Objective = Game };
        long last = 0;

        var exception = Assert.Throws<TrainingDivergedException>(() => Trainer.Train(
            network, perception, pairs, options, progress => last = progress.Step, _ => { }, CancellationToken.None));

        Assert.Contains($"collapsed at step {Adversary.CollapsedSteps}: the discriminator has told nothing apart", exception.Message);
        Assert.Equal(Adversary.CollapsedSteps - 1, last);
    }

    private static (Tensor Layouts, Tensor Photos, Tensor Images) Draw(int images)
    {
        using var generator = new Generator(3);
        return (
            nn.functional.softmax(randn(2, 2, Size, Size, generator: generator), 1),
            255 * rand([2, 3, Size, Size], generator: generator),
            100 * rand([2, images, 3, Size, Size], generator: generator));
    }

    private static float[] Numbers(Adversary adversary) =>
        [.. adversary.State.Where(state => state.Value.dtype == ScalarType.Float32).SelectMany(state => state.Value.detach().contiguous().data<float>().ToArray())];
}
