using CrnMlNet.Data;
using CrnMlNet.Torch.Backend;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>An 8-bit RGB image, planar: what is measured here.</summary>
public sealed class RgbImage
{
    private readonly byte[] _planes;

    /// <summary>Makes an image of pixels; the array is kept, not copied.</summary>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="planes">The planes red, green, blue, each row by row: <c>[3, H, W]</c>, 0 to 255.</param>
    /// <exception cref="ArgumentException">The size is not positive, or the array has another length.</exception>
    public RgbImage(int height, int width, byte[] planes)
    {
        if (height < 1 || width < 1)
            throw new ArgumentException($"An image has at least one pixel, got {height}x{width}.", nameof(height));
        if (planes.Length != 3L * height * width)
            throw new ArgumentException($"An image of {height}x{width} has 3 x {height} x {width} bytes, got {planes.Length}.", nameof(planes));
        (Height, Width, _planes) = (height, width, planes);
    }

    /// <summary>Reads an image at a size: shrunk by area averaging, enlarged bilinearly.</summary>
    /// <param name="image">The image, of any size. It is not disposed.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="preprocessing">What is done to it then.</param>
    public static RgbImage From(MLImage image, int height, int width, PhotoPreprocessing preprocessing = PhotoPreprocessing.None)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new RgbImage(height, width, PhotoPixels.FromPhoto(image, height, width, preprocessing));
    }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>The planes red, green, blue, each row by row: <c>[3, H, W]</c>.</summary>
    public ReadOnlySpan<byte> Planes => _planes;

    internal static void CheckSameSize(RgbImage first, RgbImage second)
    {
        if (first.Height != second.Height || first.Width != second.Width)
            throw new ArgumentException(
                $"Images of the same size can be compared, got {first.Height}x{first.Width} and {second.Height}x{second.Width}.", nameof(second));
    }

    internal Plane Plane(int colour)
    {
        var plane = new Plane(Height, Width);
        for (int i = 0; i < plane.Values.Length; i++)
            plane.Values[i] = _planes[colour * plane.Values.Length + i];
        return plane;
    }

    /// <summary>The luma of ITU-R BT.601, 0 to 255.</summary>
    internal Plane Luma()
    {
        var luma = new Plane(Height, Width);
        int pixels = luma.Values.Length;
        for (int i = 0; i < pixels; i++)
            luma.Values[i] = Luma(_planes[i], _planes[pixels + i], _planes[2 * pixels + i]);
        return luma;
    }

    /// <summary>The luma of a pixel.</summary>
    internal static double Luma(double red, double green, double blue) => 0.299 * red + 0.587 * green + 0.114 * blue;

    /// <summary>The image as a batch of one, <c>[1, 3, H, W]</c>, float32, 0 to 255.</summary>
    internal Tensor ToTensor(Device device)
    {
        TorchBackend.Start();
        using var scope = NewDisposeScope();
        return tensor(_planes, [1, 3, Height, Width]).to(device).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
