using CrnMlNet.Torch.Convolutions;

namespace CrnMlNet.Torch.Tests.Convolutions;

public sealed class TileBlocksTests
{
    [Theory]
    [InlineData(1, 1, 1, 4, 32)]
    [InlineData(3, 5, 9, 4, 64)]
    [InlineData(2, 37, 150, 4, 96)]
    [InlineData(1, 256, 512, 6, 96)]
    [InlineData(1, 24, 1030, 6, 128)]
    [InlineData(2, 700, 13, 4, 16)]
    [InlineData(1, 129, 67, 6, 1)]
    public void EveryTileIsInOneBlock(int images, int height, int width, int side, int tiles)
    {
        var blocks = new TileBlocks(images, height, width, side, tiles);

        int down = (height + side - 1) / side, across = (width + side - 1) / side;
        var times = new int[images, down, across];
        for (int number = 0; number < blocks.Count; number++)
        {
            var block = blocks[number];
            Assert.Equal(number / blocks.OfImage, block.Image);
            Assert.InRange(block.Tiles, 1, Math.Max(1, tiles));
            Assert.True(block.Rows <= blocks.Rows && block.Columns <= blocks.Columns);
            for (int y = 0; y < block.Rows; y++)
            {
                for (int x = 0; x < block.Columns; x++)
                    times[block.Image, block.TileRow + y, block.TileColumn + x]++;
            }
        }

        Assert.All(times.Cast<int>(), count => Assert.Equal(1, count));
    }

    // 43 x 86 tiles by at most 96, sixteen of which are multiplied at once: with rows of 32 a fifth of what is computed would be tiles that there are not.
    [Fact]
    public void LittleIsComputedForTilesThatThereAreNot()
    {
        var blocks = new TileBlocks(1, 256, 512, side: 6, tiles: 96);

        int computed = Enumerable.Range(0, blocks.Count).Sum(number => (blocks[number].Tiles + 15) / 16 * 16);
        Assert.InRange(computed, 43 * 86, 43 * 86 * 107 / 100);
    }
}
