using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Tests.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public class TextureLossTests
{
    private const int Height = 32;
    private const int Width = 48;

    [Fact]
    public void ItIsTheMeanDifferenceOfSortedProjectionsAndThatOfStrengths()
    {
        using var scope = NewDisposeScope();
        // Two scales: 11 rows would be halved to 5, which is too little.
        var (layouts, photos, images) = Draw(22, 30, k: 2);

        double loss = TextureLoss.Of(images, layouts, photos, new Random(5)).item<double>();

        var random = new Random(5);
        double fine = Plain(images, layouts, photos, random);
        var (coarseLayouts, coarsePhotos, coarseImages) = (Halved(layouts), Halved(photos), stack(images.unbind(1).Select(Halved), 1));
        double coarse = Plain(coarseImages, coarseLayouts, coarsePhotos, random);
        Assert.Equal((fine + coarse) / 2, loss, 1e-9);
    }

    [Fact]
    public void TheGradientIsThatOfFiniteDifferences()
    {
        using var scope = NewDisposeScope();
        var (layouts, photos, images) = Draw(22, 30, k: 2);
        images.requires_grad_();

        TextureLoss.Of(images, layouts, photos, new Random(6)).backward();

        Gradients.Compare(images, moved => TextureLoss.Of(moved, layouts, photos, new Random(6)).item<double>(), step: 1e-6);
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(2, 1, 0.15342641)] // (2 - ln 2 - 1) / 2
    [InlineData(1, 2, 0.09657359)] // (1/2 - ln 1/2 - 1) / 2
    [InlineData(4, 1, 0.80685282)] // (4 - ln 4 - 1) / 2
    [InlineData(8, 1, 1.84657359)] // the tangent in ln 4 = 2 ln 2: (4 + 4 ln 2 - 3 ln 2 - 1) / 2
    public void StrengthsDifferByTheDivergenceOfNormalDistributions(double photo, double image, double expected)
    {
        using var scope = NewDisposeScope();

        Assert.Equal(expected, TextureLoss.Divergence(tensor(10 * photo), tensor(10 * image)).item<double>(), 1e-7);
    }

    [Fact]
    public void OfPhotosOfSeveralStrengthsTheMeanPowerIsNearest()
    {
        using var scope = NewDisposeScope();
        double[] photos = [1, 2, 3, 6];

        var losses = Enumerable.Range(5, 40).Select(tenths => tenths / 10.0).ToDictionary(image => image, image => TextureLoss.Divergence(tensor(photos), tensor(image)).sum().item<double>());

        Assert.Equal(3, losses.MinBy(loss => loss.Value).Key, 1e-9);
    }

    [Fact]
    public void ThePhotoItselfIsAtNoDistance()
    {
        using var scope = NewDisposeScope();
        var (layouts, photos, _) = Draw(Height, Width, k: 1);

        Assert.Equal(0, TextureLoss.Of(photos.unsqueeze(1), layouts, photos, new Random(1)).item<double>());
    }

    [Fact]
    public void AnotherPieceOfTheSameTextureIsNearerThanAnyOther()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var layouts = SemanticLayout.OneHot(zeros([1, Height, Width], ScalarType.Int64), 2);
        Tensor photo = Stripes(generator, vertical: true), same = Stripes(generator, vertical: true);

        double expected = Loss(same);
        Assert.True(1.5 * expected < Loss(Stripes(generator, vertical: false)), "stripes that lie");
        Assert.True(2 * expected < Loss(photo.mean([2, 3], keepdim: true).expand_as(photo)), "fog");
        Assert.True(2 * expected < Loss(2 * same - 128), "twice the contrast");
        Assert.True(3 * expected < Loss(same + 10 * randn(same.shape, ScalarType.Float64, generator: generator)), "grain");
        // Brightness is another term's.
        Assert.Equal(expected, Loss(same + 20), 1e-6);

        double Loss(Tensor image) => TextureLoss.Of(image.unsqueeze(1), layouts, photo, new Random(2)).item<double>();
    }

    [Fact]
    public void EachClassIsComparedByItself()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        var ids = zeros([1, Height, Width], ScalarType.Int64);
        ids.narrow(2, Width / 2, Width / 2).fill_(1);
        var layouts = SemanticLayout.OneHot(ids, 3);
        var (left, right) = (Stripes(generator, vertical: true).narrow(3, 0, Width / 2), Stripes(generator, vertical: false).narrow(3, 0, Width / 2));
        var photo = cat([left, right], 3);

        double exchanged = TextureLoss.Of(cat([right, left], 3).unsqueeze(1), layouts, photo, new Random(3)).item<double>();
        var oneClass = SemanticLayout.OneHot(zeros_like(ids), 3);
        double unseen = TextureLoss.Of(cat([right, left], 3).unsqueeze(1), oneClass, photo, new Random(3)).item<double>();

        Assert.True(exchanged > 1.5 * unseen, $"{exchanged} {unseen}");
    }

    [Fact]
    public void WhereNoAreaIsLargeEnoughNothingIsLost()
    {
        using var scope = NewDisposeScope();
        var layouts = SemanticLayout.OneHot(arange(16 * 16, ScalarType.Int64).reshape(1, 16, 16), 256);
        var images = (255 * rand([1, 1, 3, 16, 16])).requires_grad_();

        var loss = TextureLoss.Of(images, layouts, 255 * rand([1, 3, 16, 16]), new Random(4));
        loss.backward();

        Assert.Equal(0, loss.item<float>());
        Assert.Equal(0, images.grad!.abs().max().item<float>());
    }

    /// <summary>One scale, as plain loops, with the filters and places that are drawn there.</summary>
    private static double Plain(Tensor images, Tensor layouts, Tensor photos, Random random)
    {
        var drawn = ClassPlaces.Draw(layouts, RandomFilterBank.Size / 2, random);
        var filters = RandomFilterBank.Draw(TextureLoss.Filters, random).to(ScalarType.Float64).data<double>().ToArray();
        int rows = (int)photos.shape[2], columns = (int)photos.shape[3], k = (int)images.shape[1];
        double sum = 0;
        for (int u = 0; u < k; u++)
        {
            var (image, photo) = (Convolved(images.select(1, u)), Convolved(photos));
            for (int area = 0; area < drawn.Areas; area++)
            {
                long[] places = drawn.Places[(area * ClassPlaces.PerArea)..((area + 1) * ClassPlaces.PerArea)];
                for (int filter = 0; filter < TextureLoss.Filters; filter++)
                {
                    double[] ours = [.. places.Select(place => At(image, filter, place)).Order()], theirs = [.. places.Select(place => At(photo, filter, place)).Order()];
                    double mean = theirs.Average(), deviation = Math.Sqrt(theirs.Average(value => (value - mean) * (value - mean)));
                    double sorted = ours.Zip(theirs, (a, b) => Math.Abs(a - b)).Average() / (deviation + 2);
                    double ratio = (theirs.Average(value => value * value) + 4) / (ours.Average(value => value * value) + 4);
                    double most = Math.Min(ratio, 4);
                    sum += drawn.Weights[area] * (sorted + most + 4 * Math.Log(ratio / most) - Math.Log(ratio) - 1) / TextureLoss.Filters / k;
                }
            }
        }
        return sum;

        Maps[] Convolved(Tensor pictures) => [.. Enumerable.Range(0, (int)pictures.shape[0]).Select(n => Parameters.Maps(pictures, n).Window(-2, -2, rows + 4, columns + 4).Convolve(filters, null, TextureLoss.Filters, 5))];

        double At(Maps[] maps, int filter, long place) => maps[place / (rows * columns)][filter, (int)(place / columns % rows) + 2, (int)(place % columns) + 2];
    }

    /// <summary>Two layouts of three classes, two photos, and k images of each layout.</summary>
    private static (Tensor Layouts, Tensor Photos, Tensor Images) Draw(int height, int width, int k)
    {
        using var generator = new Generator(7);
        var ids = zeros([2, height, width], ScalarType.Int64);
        ids[0].narrow(1, width / 3, width - width / 3).fill_(1);
        ids[1].narrow(0, height / 2, height - height / 2).fill_(2);
        return (SemanticLayout.OneHot(ids, 4).to(ScalarType.Float64),
            255 * rand([2, 3, height, width], ScalarType.Float64, generator: generator),
            255 * rand([2, k, 3, height, width], ScalarType.Float64, generator: generator));
    }

    private static Tensor Halved(Tensor pictures) => nn.functional.avg_pool2d(pictures, 2);

    /// <summary>Gray stripes of chance brightness, each a pixel wide.</summary>
    private static Tensor Stripes(Generator generator, bool vertical) =>
        (128 + 30 * randn(vertical ? [1, 1, 1, Width] : [1, 1, Height, 1], ScalarType.Float64, generator: generator)).expand(1, 3, Height, Width).contiguous();
}
