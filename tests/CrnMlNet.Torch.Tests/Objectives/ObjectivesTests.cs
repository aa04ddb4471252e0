using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Tests.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

/// <summary>Every objective, in double precision: its values against plain loops, its gradients against finite differences.</summary>
public sealed class ObjectivesTests
{
    private const int Classes = 3;

    public static TheoryData<string, int, int, int, int> Sizes => new()
    {
        { "Eq. 1", 2, 1, 6, 8 },
        { "Eq. 1", 1, 1, 5, 7 },
        { "Eq. 1", 1, 2, 5, 7 },
        { "Eq. 2", 1, 3, 6, 8 },
        { "Eq. 2", 2, 4, 5, 7 },
        { "Eq. 3", 1, 3, 6, 8 },
        { "Eq. 3", 2, 4, 5, 7 },
        { "Eq. 3", 1, 9, 7, 3 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheLossIsThatOfPlainLoops(string equation, int batch, int k, int height, int width)
    {
        using var scope = NewDisposeScope();
        var (images, layouts, photos) = Draw(batch, k, height, width, seed: 3);
        double[] lambda = [1, 2.5, 0.4];
        var objective = Objective(equation, new BlurAndSquare(), lambda);

        double expected = Enumerable.Range(0, batch).Average(n =>
        {
            var photo = ToMaps(photos.select(0, n));
            Maps[] candidates = [.. Enumerable.Range(0, k).Select(u => ToMaps(images.select(0, n).select(0, u)))];
            return equation switch
            {
                "Eq. 1" => candidates.Average(image => PlainObjectives.Eq1(image, photo, BlurAndSquare.Plain, lambda)),
                "Eq. 2" => PlainObjectives.Eq2(candidates, photo, BlurAndSquare.Plain, lambda),
                _ => PlainObjectives.Eq3(candidates, ToMaps(layouts.select(0, n)), photo, BlurAndSquare.Plain, lambda),
            };
        });

        Assert.Equal(expected, objective.Loss(images, layouts, photos).item<double>(), 1e-12);
    }

    [Theory]
    [InlineData("Eq. 1", 1)]
    [InlineData("Eq. 2", 3)]
    [InlineData("Eq. 3", 3)]
    public void TheGradientIsThatOfFiniteDifferences(string equation, int k) =>
        CompareGradients(Objective(equation, new BlurAndSquare(), [1, 2.5, 0.4]), 2, k, 5, 7);

    [Theory]
    [InlineData("Eq. 1", 1)]
    [InlineData("Eq. 2", 3)]
    [InlineData("Eq. 3", 3)]
    public void SoItIsThroughTheFilterBank(string equation, int k)
    {
        using var perception = new FilterBankPerception(CPU);
        CompareGradients(Objective(equation, perception, [1, 0.7, 1.9, 1.3, 0.6, 2]), 1, k, 19, 17);
    }

    [Theory]
    [InlineData("Eq. 1", 1)]
    [InlineData("Eq. 3", 3)]
    public void SoItIsOfTheImageAlone(string equation, int k) =>
        CompareGradients(Objective(equation, new NothingPerceived(), [1]), 1, k, 5, 7);

    [Theory]
    [InlineData("Eq. 2")]
    [InlineData("Eq. 3")]
    public void OfOneImageEveryObjectiveIsEq1(string equation)
    {
        using var scope = NewDisposeScope();
        var (images, layouts, photos) = Draw(2, 1, 6, 9, seed: 5);

        var terms = Objective(equation, new BlurAndSquare(), [1, 2, 3]).Terms(images, layouts, photos).data<double>().ToArray();

        var expected = Objective("Eq. 1", new BlurAndSquare(), [1, 2, 3]).Terms(images, layouts, photos).data<double>().ToArray();
        Assert.Equal(3, terms.Length);
        for (int layer = 0; layer < 3; layer++)
            Assert.Equal(expected[layer], terms[layer], 1e-12);
    }

    [Fact]
    public void Eq3TakesTheBestImageForEachClassAndEq2TheBestAsAWhole()
    {
        using var scope = NewDisposeScope();
        // Two pixels of class 0 and one of class 1 and 2 each; gray levels of the photo are 100. The first image is right in class
        // 0, the second in class 1; nobody is in class 2, where the second is nearer.
        var layouts = SemanticLayout.OneHot(tensor(new byte[] { 0, 0, 1, 2 }, 1, 2, 2), 3).to(float64);
        var photos = full([1, 3, 2, 2], 100.0, float64);
        double[] first = [100, 100, 60, 60], second = [120, 120, 100, 90];
        var images = stack([.. new[] { first, second }.Select(image => tensor(image, 2, 2).unsqueeze(0).expand(3, 2, 2))]).unsqueeze(0);

        double perClass = Objective("Eq. 3", new NothingPerceived(), [1]).Loss(images, layouts, photos).item<double>();
        double whole = Objective("Eq. 2", new NothingPerceived(), [1]).Loss(images, layouts, photos).item<double>();

        // Class by class, divided by all four pixels: 0 + 0 + 10/4. As a whole: 80/4 and 50/4. The mean of both is 130/8 either way.
        Assert.Equal(0.999 * 2.5 + 0.001 * 16.25, perClass, 1e-12);
        Assert.Equal(0.999 * 12.5 + 0.001 * 16.25, whole, 1e-12);
    }

    [Fact]
    public void AnImageThatIsNearestNowhereStillLearnsALittle()
    {
        using var scope = NewDisposeScope();
        var photos = full([1, 3, 2, 2], 100.0, float64);
        var layouts = SemanticLayout.OneHot(tensor(new byte[] { 0, 0, 1, 2 }, 1, 2, 2), 3).to(float64);
        var images = stack([full([3, 2, 2], 99.0, float64), full([3, 2, 2], 50.0, float64)]).unsqueeze(0).requires_grad_();

        Objective("Eq. 3", new NothingPerceived(), [1]).Loss(images, layouts, photos).backward();

        // 1/12 for each number, of which the near image gets 0.999 and half of 0.001, the far one the other half.
        Assert.All(images.grad![0, 0].data<double>().ToArray(), value => Assert.Equal(-0.9995 / 12, value, 1e-12));
        Assert.All(images.grad![0, 1].data<double>().ToArray(), value => Assert.Equal(-0.0005 / 12, value, 1e-12));
    }

    private static FeatureObjective Objective(string equation, IPerceptionNetwork perception, double[] lambda)
    {
        var weights = new LayerWeights(FeatureObjective.LayersOf(perception), lambda);
        return equation switch
        {
            "Eq. 1" => new FeatureMatching(perception, weights),
            "Eq. 2" => new HindsightLoss(perception, weights),
            "Eq. 3" => new DiversityLoss(perception, weights),
            _ => throw new ArgumentException(equation),
        };
    }

    /// <summary>Moves up to 60 numbers of the images, spread over all of them, up and down.</summary>
    private static void CompareGradients(FeatureObjective objective, int batch, int k, int height, int width)
    {
        using var scope = NewDisposeScope();
        var (images, layouts, photos) = Draw(batch, k, height, width, seed: 4);
        images.requires_grad_();

        objective.Loss(images, layouts, photos).backward();

        var gradient = images.grad!.data<double>().ToArray();
        var values = images.detach().data<double>().ToArray();
        const double step = 1e-7;
        int stride = Math.Max(1, values.Length / 60);
        for (int i = 0; i < values.Length; i += stride)
            Assert.Equal((Loss(i, step) - Loss(i, -step)) / (2 * step), gradient[i], 2e-8);
        // Nearly every number has an influence that is far above the tolerance, in images that are nearest nowhere, too.
        Assert.All(gradient.Chunk(gradient.Length / (batch * k)), image => Assert.True(image.Count(value => Math.Abs(value) > 1e-7) > 0.9 * image.Length));

        double Loss(int i, double change)
        {
            using var inner = NewDisposeScope();
            double[] moved = [.. values];
            moved[i] += change;
            return objective.Loss(tensor(moved, images.shape), layouts, photos).item<double>();
        }
    }

    private static (Tensor Images, Tensor Layouts, Tensor Photos) Draw(int batch, int k, int height, int width, ulong seed)
    {
        using var generator = new Generator(seed);
        return (
            rand([batch, k, 3, height, width], ScalarType.Float64, generator: generator),
            SemanticLayout.OneHot(randint(0, Classes, [batch, height, width], ScalarType.Int64, generator: generator), Classes).to(float64),
            rand([batch, 3, height, width], ScalarType.Float64, generator: generator));
    }

    private static Maps ToMaps(Tensor maps)
    {
        var (rows, columns) = ((int)maps.shape[1], (int)maps.shape[2]);
        var values = maps.contiguous().data<double>().ToArray();
        return Maps.Of((int)maps.shape[0], rows, columns, (c, y, x) => values[(c * rows + y) * columns + x]);
    }
}
