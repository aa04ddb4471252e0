using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace CrnMlNet.ImageSharp.Tests;

/// <summary>Pixels that are known by hand, there and back, and a pipeline over them.</summary>
public sealed class AdapterTests
{
    [Fact]
    public void Gray_values_are_ids_row_by_row()
    {
        using var small = new Image<L8>(3, 2);
        small[2, 0] = new L8(7);
        small[0, 1] = new L8(255);
        Assert.Equal([0, 0, 7, 255, 0, 0], small.ToLabelIds());
        using var wide = new Image<L16>(2, 1);
        wide[1, 0] = new L16(40_000);
        Assert.Equal([0, 40_000], wide.ToLabelIds());

        using var back = LabelImages.ToImage(small.ToLabelIds(), 3, 2);
        Assert.Equal((7, 255), (back[2, 0].PackedValue, back[0, 1].PackedValue));
        using var wideBack = LabelImages.ToImage(wide.ToLabelIds(), 2, 1);
        Assert.Equal(40_000, wideBack[1, 0].PackedValue);
    }

    [Fact]
    public void A_wrong_number_of_ids_is_refused() =>
        Assert.StartsWith("There are 5 ids; an image of 3x2 has 6 pixels.", Assert.Throws<ArgumentException>(() => LabelImages.ToImage(new byte[5], 3, 2)).Message, StringComparison.Ordinal);

    [Fact]
    public void Colours_go_to_ML_NET_and_back_whichever_order_they_have_there()
    {
        using var photo = new Image<Rgb24>(2, 1);
        photo[0, 0] = new Rgb24(1, 2, 3);
        photo[1, 0] = new Rgb24(250, 0, 9);
        using var image = photo.ToMLImage();
        Assert.Equal(MLPixelFormat.Bgra32, image.PixelFormat);
        Assert.Equal([3, 2, 1, 255, 9, 0, 250, 255], image.Pixels.ToArray());
        using var back = image.ToImage();
        Assert.Equal((new Rgb24(1, 2, 3), new Rgb24(250, 0, 9)), (back[0, 0], back[1, 0]));

        using var rgba = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Rgba32, [1, 2, 3, 255]);
        using var fromRgba = rgba.ToImage();
        Assert.Equal(new Rgb24(1, 2, 3), fromRgba[0, 0]);
    }

    [Fact]
    public void A_pipeline_learns_from_them_and_gives_photos()
    {
        using var labels = new Image<L8>(32, 32);
        labels.ProcessPixelRows(rows =>
        {
            for (var y = 16; y < 32; y++)
                rows.GetRowSpan(y).Fill(new L8(3));
        });
        using var photo = new Image<Rgb24>(32, 32, new Rgb24(90, 120, 200));
        using var target = photo.ToMLImage();
        var mlContext = new MLContext(seed: 1);
        var data = mlContext.Data.LoadFromEnumerable([new Pair { Labels = labels.ToLabelIds(), Photo = target }]);
        using var model = mlContext.Transforms.SynthesizeFromLabels("Synthesized", "Labels", "Photo", LabelPalette.CamVid, height: 32, width: 32, epochs: 1).Fit(data);
        using var painted = mlContext.Data.CreateEnumerable<Painted>(model.Transform(data), reuseRowObject: false).Single().Synthesized!;
        using var result = painted.ToImage();
        Assert.Equal((32, 32), (result.Width, result.Height));
    }

    private sealed class Pair
    {
        [VectorType(32, 32)]
        public byte[] Labels { get; set; } = [];

        [ImageType(32, 32)]
        public MLImage? Photo { get; set; }
    }

    private sealed class Painted
    {
        [ImageType(32, 32)]
        public MLImage? Synthesized { get; set; }
    }
}
