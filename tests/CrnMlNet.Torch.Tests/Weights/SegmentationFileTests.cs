using System.Security.Cryptography;
using CrnMlNet.Tests.Shared;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

public sealed class SegmentationFileTests : IDisposable
{
    private static readonly SegmentationDescription Description = new(["sky", "road \"A\""], 96, 128, 367, 20, -3);

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["segmenter.safetensors"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhatIsReadIsWhatWasWritten()
    {
        using var scope = NewDisposeScope();
        using var network = new SegmentationNetwork(2, seed: 9);
        Write(network, Description);
        var photo = rand(1, 3, 24, 32) * 255;

        var (read, description) = SegmentationFile.Read(Path);

        using (read)
        {
            Assert.Equal(network.forward(photo).data<float>().ToArray(), read.forward(photo).data<float>().ToArray());
            Assert.Equal(Description.Classes, description.Classes);
            Assert.Equal(Description, description with { Classes = Description.Classes });
            Assert.All(read.parameters(), parameter => Assert.False(parameter.requires_grad));
        }
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path))), SegmentationFile.Hash(network, Description));
    }

    [Fact]
    public void AFileThatIsNoneIsNamed()
    {
        Assert.Contains("does not exist", Assert.Throws<FileNotFoundException>(() => SegmentationFile.Read(Path)).Message);

        using (var stream = File.Create(Path))
            Safetensors.Write(stream, [("x", ones(2))]);
        Refused("metadata has no 'kind'");

        using var network = new SegmentationNetwork(2);
        Write(network, Description);
        var bytes = File.ReadAllBytes(Path);
        File.WriteAllBytes(Path, bytes[..^4]);
        Refused("");

        Write(network, Description);
        Replace("128", "1x8");
        Refused("'width' is");
        Write(network, Description);
        Replace(@"sky\u0022,", @"sky\u0022]");
        Refused("no list of names");

        using (no_grad())
        using (NewDisposeScope())
            network.get_parameter("classify.bias")!.fill_(float.NaN);
        Write(network, Description);
        Refused("not numbers");

        void Refused(string part)
        {
            string message = Assert.Throws<FormatException>(() => SegmentationFile.Read(Path)).Message;
            Assert.Contains(Path, message);
            Assert.Contains(part, message);
        }
    }

    [Fact]
    public void EachClassNeedsAName()
    {
        using var network = new SegmentationNetwork(3);
        Assert.Contains("3 classes, and 2 names", Assert.Throws<ArgumentException>(() => Write(network, Description)).Message);
    }

    private void Write(SegmentationNetwork network, SegmentationDescription description)
    {
        using var stream = File.Create(Path);
        SegmentationFile.Write(stream, network, description);
    }

    /// <summary>Replaces text in the header by other text of the same length.</summary>
    private void Replace(string old, string with)
    {
        var text = File.ReadAllBytes(Path);
        int at = text.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(old));
        Assert.True(at > 0, old);
        System.Text.Encoding.ASCII.GetBytes(with).CopyTo(text, at);
        File.WriteAllBytes(Path, text);
    }
}
